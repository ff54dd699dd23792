/**
 * The tables, in a schema of their own so that they share a database with others. Times are µs since 1970 as in the other
 * stores: an integer is what COPY is fastest with, and TimescaleDB and Citus partition by it too.
 */

/** Released migrations never change: a new one is appended. */
export const MIGRATIONS: readonly string[] = [
  `
  -- A meter gets its number when anything first names it; model, ratio and via come with its registration.
  -- measures: the columns of readings that were ever filled for it, so that a query need not fetch a hundred empty ones.
  CREATE TABLE meterworks.meters (
    number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id       text COLLATE "C" NOT NULL UNIQUE,
    model    text,
    ratio    double precision,
    via      text,
    measures text NOT NULL DEFAULT ''
  );

  -- One more bigint column per measure, with its first value, see MeasureColumns. no_value names the measures the meter had no value for.
  -- meter is no foreign key: its check per row would cost more than the row, and numbers come from meters alone.
  CREATE TABLE meterworks.readings (
    meter    bigint NOT NULL,
    time     bigint NOT NULL,
    source   smallint NOT NULL,
    sequence bigint,
    quality  smallint NOT NULL,
    no_value text,
    PRIMARY KEY (meter, time)
  ) PARTITION BY RANGE (time);
  -- What a meter with a wild clock sends must not make a table for each of its months.
  CREATE TABLE meterworks.readings_other PARTITION OF meterworks.readings DEFAULT;

  -- Counting rows would read the whole table.
  CREATE TABLE meterworks.reading_counts (
    source smallint PRIMARY KEY,
    count  bigint NOT NULL
  );

  CREATE TABLE meterworks.orders (
    id              bigint PRIMARY KEY,
    key             text COLLATE "C" NOT NULL UNIQUE,
    meter           bigint NOT NULL REFERENCES meterworks.meters (number),
    operation       text NOT NULL,
    argument        bigint NOT NULL,
    state           text NOT NULL,
    reason          text NOT NULL,
    requested_at    bigint NOT NULL,
    expires_at      bigint NOT NULL,
    outcome         text,
    relay_read_back smallint CHECK (relay_read_back IN (0, 1)),
    finished_at     bigint,
    -- On what terms it was given, as JSON.
    terms           text NOT NULL
  );
  CREATE INDEX orders_by_meter ON meterworks.orders (meter, id);

  CREATE TABLE meterworks.order_floor (
    number smallint PRIMARY KEY CHECK (number = 1),
    last   bigint NOT NULL
  );

  CREATE TABLE meterworks.accounts (
    meter       bigint PRIMARY KEY REFERENCES meterworks.meters (number),
    currency    text NOT NULL,
    price       bigint NOT NULL,
    warn_at     bigint NOT NULL,
    cut_at      bigint NOT NULL,
    topped_up   bigint NOT NULL,
    charged     bigint NOT NULL,
    energy_from bigint,
    energy_to   bigint
  );

  CREATE TABLE meterworks.postings (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key       text COLLATE "C" NOT NULL UNIQUE,
    meter     bigint NOT NULL REFERENCES meterworks.meters (number),
    at        bigint NOT NULL,
    kind      text NOT NULL,
    amount    bigint NOT NULL CHECK (amount > 0),
    energy_to bigint
  );
  CREATE INDEX postings_by_meter ON meterworks.postings (meter, number);
  CREATE INDEX topups_by_meter ON meterworks.postings (meter, number) WHERE kind = 'topup';

  -- hash chains an entry to the one before it, see audit/chain.ts.
  CREATE TABLE meterworks.audit (
    number   bigint PRIMARY KEY,
    at       bigint NOT NULL,
    actor    text NOT NULL,
    action   text NOT NULL,
    meter    bigint REFERENCES meterworks.meters (number),
    order_id bigint,
    detail   text NOT NULL,
    hash     text NOT NULL
  );

  CREATE TABLE meterworks.documents (
    collection text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    live       boolean NOT NULL,
    text       text NOT NULL,
    PRIMARY KEY (collection, key)
  );
  CREATE INDEX documents_live ON meterworks.documents (collection, key) WHERE live;

  -- Against mistakes, ours and those of a person with a SQL prompt; an administrator can drop a trigger.
  CREATE FUNCTION meterworks.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
  END $$;
  CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON meterworks.audit
    FOR EACH STATEMENT EXECUTE FUNCTION meterworks.refuse_change();
  CREATE TRIGGER postings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON meterworks.postings
    FOR EACH STATEMENT EXECUTE FUNCTION meterworks.refuse_change();
  `,
  `
  -- Who may work on what. A fence rises with every holder; until is by this server's clock.
  CREATE TABLE meterworks.leases (
    resource text COLLATE "C" PRIMARY KEY,
    fence    bigint NOT NULL DEFAULT 0,
    holder   uuid,
    name     text,
    until    timestamptz NOT NULL DEFAULT '-infinity'
  );

  -- The newest batch of every writer, set in the batch's own transaction: whoever lost the connection while it committed
  -- finds out here what became of it.
  CREATE TABLE meterworks.writers (
    writer uuid PRIMARY KEY,
    batch  bigint NOT NULL,
    at     timestamptz NOT NULL
  );

  -- All or none, so that two head-ends that start together do not each hold half. Rows are locked in one order.
  CREATE FUNCTION meterworks.take_leases(who uuid, who_name text, wanted text[], seconds double precision)
    RETURNS TABLE (taken boolean, r text, f bigint, holder_name text, until_us bigint, free_in_us bigint)
    LANGUAGE plpgsql AS $$
  DECLARE
    moment timestamptz;
  BEGIN
    INSERT INTO meterworks.leases (resource) SELECT unnest(wanted) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM meterworks.leases WHERE resource = ANY (wanted) ORDER BY resource FOR UPDATE;
    moment := clock_timestamp();
    RETURN QUERY SELECT false, l.resource, l.fence, l.name, (extract(epoch FROM l.until) * 1000000)::bigint,
        (extract(epoch FROM l.until - moment) * 1000000)::bigint
      FROM meterworks.leases l
      WHERE l.resource = ANY (wanted) AND l.holder IS DISTINCT FROM who AND l.until > moment
      ORDER BY l.until DESC, l.resource LIMIT 1;
    IF FOUND THEN RETURN; END IF;
    RETURN QUERY UPDATE meterworks.leases l
      SET fence = l.fence + (l.holder IS DISTINCT FROM who)::int, holder = who, name = who_name,
          until = moment + make_interval(secs => seconds)
      WHERE l.resource = ANY (wanted)
      RETURNING true, l.resource, l.fence, l.name, (extract(epoch FROM l.until) * 1000000)::bigint, 0::bigint;
  END $$;

  CREATE FUNCTION meterworks.release_leases(who uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE meterworks.leases SET until = clock_timestamp(), holder = NULL WHERE holder = who
  $$;

  -- The last thing in every batch. The share locks make a successor wait for a commit that is on its way, so it is either
  -- seen by the successor or refused here.
  CREATE FUNCTION meterworks.end_batch(who uuid, number bigint, resources text[], fences bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    lost text;
  BEGIN
    UPDATE meterworks.writers SET batch = number, at = clock_timestamp() WHERE writer = who;
    IF cardinality(resources) = 0 THEN RETURN; END IF;
    PERFORM 1 FROM meterworks.leases WHERE resource = ANY (resources) ORDER BY resource FOR SHARE;
    SELECT held.resource || ' is held by ' || coalesce(l.name, 'nobody') INTO lost
      FROM unnest(resources, fences) AS held (resource, fence)
      LEFT JOIN meterworks.leases l ON l.resource = held.resource
      WHERE l.fence IS DISTINCT FROM held.fence LIMIT 1;
    IF lost IS NOT NULL THEN
      RAISE EXCEPTION '%', lost USING ERRCODE = 'MWL01';
    END IF;
  END $$;
  `,
];

/** The highest order number that may have been given. */
export const LAST_ORDER = `SELECT greatest(
  (SELECT coalesce(max(id), 0) FROM meterworks.orders),
  (SELECT coalesce(max(last), 0) FROM meterworks.order_floor)) AS last`;
