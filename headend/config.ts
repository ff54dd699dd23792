/**
 * What a collector is told of its world: lines and the meters on them, the broker, prepaid accounts, limits. Plain data;
 * a file becomes this in parse-config.ts, the demo and the simulator build it directly.
 * Waiting for a wire is monotonic time, poll intervals and expiry are civil time (they scale with simulated speed).
 */
import type { MeterModel } from "../protocols/models/model.ts";
import type { OrderOperation } from "../protocols/orders.ts";
import type { LinkId } from "../src/core/actor.ts";
import type { MeasureKey } from "../src/core/measures.ts";
import type { Minor, PricePerKwh } from "../src/core/money.ts";
import type { Signer } from "../src/core/signature.ts";
import { MICROS_PER_SECOND, SECONDS_PER_DAY } from "../src/core/time.ts";
import type { CompletenessConfig } from "./completeness/interval-book.ts";
import type { MeterId } from "./ports.ts";
import type { GroupConfig } from "./schedule/groups.ts";

export interface MeterConfig {
  readonly id: MeterId;
  readonly model: MeterModel;
  /** CT × VT, a whole number; left out, the registry says it, and where that is silent the meter is a direct one. */
  readonly ratio?: number;
  /** The registry says that it is there, not the configuration file. */
  readonly fromRegistry?: true;
}

export interface PolledMeterConfig extends MeterConfig {
  /** Modbus unit address, 1..247. */
  readonly unit: number;
  /** Password of the order window (uint32) on models with control; default 0. */
  readonly password?: number;
}

/** One serial bus, or one TCP connection to a meter or gateway. */
export interface LineConfig {
  readonly link: LinkId;
  readonly framing: "rtu" | "ascii" | "tcp";
  /** Serial only: bit/s, from which the silences of the line follow; default: that of the first meter's model. */
  readonly baud?: number;
  /** Serial only: start, data, parity and stop bits of a character; default 11 in RTU (8N1 has 10), 10 in ASCII. */
  readonly bitsPerChar?: number;
  /** RTU only: the link reports the exact time of each byte (a virtual line does, an operating system's port does not). */
  readonly byteTimes?: boolean;
  /** Serial framings only: the adapter hears what it sends, and each request comes back before its reply; default false. */
  readonly echo?: boolean;
  /** The host through which it is reached: lines with the same one fail together. */
  readonly gateway?: string;
  /** µs, monotonic; default 1 s. */
  readonly responseTimeout?: number;
  /** Further attempts of a request that timed out or came back broken; default 2. */
  readonly retries?: number;
  /** µs of civil time between two polls of a meter. */
  readonly pollEvery: number;
  /** What to read; default: everything in the model's map but single harmonics. */
  readonly measures?: readonly MeasureKey[];
  readonly meters: readonly PolledMeterConfig[];
}

export interface MqttConfig {
  readonly link: LinkId;
  /** Signs the orders: meters take no others over MQTT. */
  readonly signer: Signer;
  /**
   * What becomes of a meter that is in no list when it publishes telemetry: registered and in use (true, the default),
   * held until a person accepts it, or not listened to.
   */
  readonly acceptUnknown?: boolean | "hold";
  /** µs, monotonic: a meter that has not published for so long is silent; default 15 minutes. */
  readonly silentAfter?: number;
  readonly meters: readonly MeterConfig[];
}

/** A prepaid account kept by the head-end at one flat price. The meter must be a direct one (ratio 1). */
export interface PrepaidConfig {
  readonly meter: MeterId;
  readonly currency: string;
  /** Kept from the first run on: a later change of price does not re-price energy already used. */
  readonly price: PricePerKwh;
  readonly warnAt: Minor;
  /** The relay is opened when the balance is at or below this. */
  readonly cutAt: Minor;
  /** Credit an account begins with, booked once. */
  readonly initial?: Minor;
}

/** What is done about clocks of meters that are off. All in µs. */
export interface ClockConfig {
  /** False: deviations are measured and shown only. */
  readonly correct: boolean;
  readonly correctBeyond: number;
  /** Beyond this a person decides. */
  readonly alarmBeyond: number;
}

export const DEFAULT_CLOCK: ClockConfig = {
  correct: true,
  correctBeyond: 5 * MICROS_PER_SECOND,
  alarmBeyond: 900 * MICROS_PER_SECOND,
};

export interface Limits {
  /** Work waiting for the store: above it polls pause and messages wait unacknowledged. */
  readonly queuedWork: number;
  /** Most pieces of work in one store batch. */
  readonly batch: number;
  readonly openOrders: number;
  /** Most meters that register themselves over MQTT. */
  readonly unknownMeters: number;
  /** µs of civil time after which an order that is not done is given up. */
  readonly orderExpiry: number;
  /** µs of civil time that a requester may give an order at most. */
  readonly longestOrderExpiry: number;
  /** µs, monotonic: an MQTT meter that has not answered a command gets it again. */
  readonly mqttResend: number;
  /** Queries to MQTT meters in a second at most, those aside that somebody waits for. */
  readonly mqttQueries: number;
  /** Most meters that are read on demand at a time. */
  readonly onDemandReads: number;
}

export const DEFAULT_LIMITS: Limits = {
  queuedWork: 2_000,
  batch: 500,
  openOrders: 1_000,
  unknownMeters: 100_000,
  orderExpiry: SECONDS_PER_DAY * MICROS_PER_SECOND,
  longestOrderExpiry: 30 * SECONDS_PER_DAY * MICROS_PER_SECOND,
  mqttResend: 2 * MICROS_PER_SECOND,
  mqttQueries: 20,
  onDemandReads: 200,
};

/** What a file says of a site: all but the key, which is a secret of its own. */
export type SiteConfig = Omit<CollectorConfig, "mqtt"> & { readonly mqtt?: Omit<MqttConfig, "signer"> };
/** Who must stand behind orders. */
export interface OrderPolicy {
  /** By operation how many persons, the requester among them; default 1: the requester alone. */
  readonly persons: Readonly<Partial<Record<OrderOperation, number>>>;
  readonly mass: {
    /** The requester among them: at least 2. */
    readonly persons: number;
    readonly perMinute: number;
    /** A mass order stops when more than so many percent of the last `stopWindow` (at least 20) orders came to nothing. */
    readonly stopPercent: number;
    readonly stopWindow: number;
    /** µs of civil time that each of its orders has. */
    readonly orderExpiry: number;
  };
}

export const DEFAULT_ORDER_POLICY: OrderPolicy = {
  persons: {},
  mass: { persons: 2, perMinute: 60, stopPercent: 10, stopWindow: 20, orderExpiry: 3_600 * MICROS_PER_SECOND },
};

export interface CollectorConfig {
  readonly lines: readonly LineConfig[];
  readonly mqtt?: MqttConfig;
  readonly prepaid?: readonly PrepaidConfig[];
  readonly orders?: OrderPolicy;
  readonly groups?: readonly GroupConfig[];
  /** Default: {@link DEFAULT_CLOCK}. */
  readonly clock?: ClockConfig;
  /** Models by which self-registered MQTT meters are judged, beside the built-in ones. */
  readonly models?: readonly MeterModel[];
  readonly limits?: Partial<Limits>;
  /** Which intervals are expected; undefined: completeness is not followed, and gaps are not filled. */
  readonly completeness?: CompletenessConfig;
  /** Keeps a list of what is wrong and since when; default: none is kept. */
  readonly alarms?: {
    /** Civil seconds per second of monotonic time, to tell a clock that jumps. */
    readonly speed: number;
  };
}
