/** Why a payload was refused: a closed list. `field` is the member's path in the document, `values.1-0:1.8.0`. */
export type PayloadError =
  | { readonly kind: "too-large"; readonly bytes: number; readonly limit: number }
  | { readonly kind: "not-utf8" }
  | { readonly kind: "not-json" }
  | { readonly kind: "not-object" }
  | { readonly kind: "bad-field"; readonly field: string; readonly reason: string };

/** One sentence for people and logs. */
export function payloadErrorText(error: PayloadError): string {
  switch (error.kind) {
    case "too-large":
      return `${error.bytes} bytes are more than the ${error.limit} a message may have`;
    case "not-utf8":
      return "the payload is not UTF-8";
    case "not-json":
      return "the payload is not JSON";
    case "not-object":
      return "the payload is no JSON object";
    case "bad-field":
      return `${error.field}: ${error.reason}`;
  }
}
