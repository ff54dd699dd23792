/** How the run's meters are called. */

export function publishingId(number: number): string {
  return `chaos-${String(number).padStart(5, "0")}`;
}

export function polledId(number: number): string {
  return `polled-${String(number).padStart(5, "0")}`;
}
