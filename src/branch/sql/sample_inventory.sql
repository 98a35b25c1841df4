-- The sample "inventory": a distributor of bicycle parts with a few warehouses. The same rows every time;
-- sample.scale multiplies customers, stock and orders (1: about 50,000 rows).
--
-- inventory_code packs three facts into one column, as such codes do: location, batch and serial number,
-- 'BER03-B240517-004211'. Taking it apart is a good first migration to try on a branch.
BEGIN;

CREATE TYPE order_status AS ENUM ('placed', 'paid', 'packed', 'shipped', 'cancelled');

CREATE TABLE locations (
  location_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE CHECK (code ~ '^[A-Z]{3}[0-9]{2}$'),
  city text NOT NULL,
  country char(2) NOT NULL
);

CREATE TABLE products (
  product_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku text NOT NULL UNIQUE,
  name text NOT NULL,
  category text NOT NULL,
  unit_price numeric(10, 2) NOT NULL CHECK (unit_price > 0)
);

CREATE TABLE customers (
  customer_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  phone text,
  city text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE inventory (
  inventory_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  inventory_code text NOT NULL UNIQUE
    CHECK (inventory_code ~ '^[A-Z]{3}[0-9]{2}-B[0-9]{6}-[0-9]{6,}$'),
  product_id integer NOT NULL REFERENCES products,
  quantity integer NOT NULL CHECK (quantity >= 0),
  received_on date NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE orders (
  order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers,
  status order_status NOT NULL DEFAULT 'placed',
  ordered_at timestamptz NOT NULL,
  note text
);

CREATE TABLE order_lines (
  order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  line integer NOT NULL CHECK (line > 0),
  inventory_id bigint NOT NULL REFERENCES inventory,
  quantity integer NOT NULL CHECK (quantity > 0),
  unit_price numeric(10, 2) NOT NULL,
  PRIMARY KEY (order_id, line)
);

INSERT INTO locations (code, city, country)
SELECT * FROM (VALUES
  ('BER01', 'Berlin', 'DE'), ('BER03', 'Berlin', 'DE'), ('HAM01', 'Hamburg', 'DE'),
  ('MUC02', 'Munich', 'DE'), ('VIE01', 'Vienna', 'AT'), ('ZRH01', 'Zurich', 'CH'),
  ('AMS02', 'Amsterdam', 'NL'), ('LYS01', 'Lyon', 'FR'), ('MIL04', 'Milan', 'IT'),
  ('CPH01', 'Copenhagen', 'DK'), ('WAW02', 'Warsaw', 'PL'), ('PRG01', 'Prague', 'CZ')
) AS l (code, city, country);

-- A pseudo-random number of 0 to n - 1 that is the same on every machine.
CREATE FUNCTION pg_temp.pick(seed bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT (('x' || substr(md5(seed::text), 1, 12))::bit(48)::bigint) % n $$;

INSERT INTO products (sku, name, category, unit_price)
SELECT upper(substr(kinds[k], 1, 3)) || '-' || lpad(n::text, 4, '0'),
       adjectives[1 + pg_temp.pick(n, 10)] || ' ' || kinds[k],
       categories[k],
       (250 + pg_temp.pick(n + 7000, 40000)) / 100.0
  FROM (VALUES (
         ARRAY['chain', 'brake pad', 'saddle', 'pedal', 'tyre', 'inner tube', 'handlebar', 'rear light',
               'bell', 'bottle cage', 'cassette', 'spoke set'],
         ARRAY['drivetrain', 'brakes', 'seating', 'drivetrain', 'wheels', 'wheels', 'steering', 'lights',
               'accessories', 'accessories', 'drivetrain', 'wheels'],
         ARRAY['light', 'sturdy', 'classic', 'urban', 'alpine', 'compact', 'silent', 'winter', 'racing',
               'touring'])) AS words (kinds, categories, adjectives),
       generate_series(1, 400) AS n,
       LATERAL (SELECT 1 + n % 12 AS k) AS chosen;

INSERT INTO customers (name, email, phone, city, created_at)
SELECT given || ' ' || family,
       lower(given || '.' || family) || n || '@example.com',
       CASE WHEN pg_temp.pick(n + 11000, 5) > 0
            THEN '+49 30 ' || (1000000 + pg_temp.pick(n + 12000, 8999999)) END,
       cities[1 + pg_temp.pick(n + 13000, 8)],
       timestamptz '2023-01-02 08:00+00' + make_interval(mins => pg_temp.pick(n + 14000, 1050000)::int)
  FROM (VALUES (
         ARRAY['Anna', 'Ben', 'Clara', 'David', 'Elif', 'Felix', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Kaya',
               'Lena', 'Milan', 'Nora', 'Oskar', 'Paula', 'Rosa', 'Samir', 'Tilda', 'Yusuf'],
         ARRAY['Albers', 'Brandt', 'Costa', 'Dietrich', 'Ersoy', 'Fischer', 'Graf', 'Huber', 'Ivanova',
               'Jansen', 'Keller', 'Lindner', 'Moreau', 'Nowak', 'Olsen', 'Peters', 'Rossi', 'Schulz',
               'Toth', 'Weber'],
         ARRAY['Berlin', 'Hamburg', 'Munich', 'Vienna', 'Zurich', 'Lyon', 'Milan', 'Prague'])
       ) AS words (givens, families, cities),
       generate_series(1, 2000 * current_setting('sample.scale')::int) AS n,
       LATERAL (SELECT givens[1 + pg_temp.pick(n + 9000, 20)] AS given,
                       families[1 + pg_temp.pick(n + 10000, 20)] AS family) AS chosen;

INSERT INTO inventory (inventory_code, product_id, quantity, received_on, updated_at)
SELECT l.code || to_char(day, '"-B"YYMMDD') || '-' || lpad(n::text, 6, '0'),
       1 + pg_temp.pick(n + 20000, 400)::int,
       pg_temp.pick(n + 21000, 250)::int,
       day,
       day + time '09:00' + make_interval(hours => pg_temp.pick(n + 22000, 2000)::int)
  FROM generate_series(1, 20000 * current_setting('sample.scale')::int) AS n
       CROSS JOIN LATERAL (SELECT date '2023-02-01' + pg_temp.pick(n + 23000, 700)::int AS day)
         AS received
       JOIN locations l ON l.location_id = 1 + n % 12;

INSERT INTO orders (customer_id, status, ordered_at, note)
SELECT 1 + pg_temp.pick(n + 30000, 2000 * current_setting('sample.scale')::int)::int,
       ((ARRAY['shipped', 'shipped', 'shipped', 'shipped', 'packed', 'paid', 'placed', 'cancelled'])
          [1 + pg_temp.pick(n + 31000, 8)])::order_status,
       timestamptz '2024-01-01 00:00+00' + make_interval(mins => pg_temp.pick(n + 32000, 520000)::int),
       CASE pg_temp.pick(n + 33000, 20) WHEN 0 THEN 'leave with the neighbours'
                                        WHEN 1 THEN 'call before delivery' END
  FROM generate_series(1, 8000 * current_setting('sample.scale')::int) AS n;

INSERT INTO order_lines (order_id, line, inventory_id, quantity, unit_price)
SELECT o.order_id, line, i.inventory_id, 1 + pg_temp.pick(o.order_id * 10 + line + 40000, 6)::int,
       p.unit_price
  FROM orders o
       CROSS JOIN generate_series(1, 1 + pg_temp.pick(o.order_id + 41000, 4)::int) AS line
       JOIN inventory i
         ON i.inventory_id = 1 + pg_temp.pick(o.order_id * 10 + line + 42000,
                                              20000 * current_setting('sample.scale')::int)
       JOIN products p USING (product_id);

CREATE INDEX inventory_product_id_idx ON inventory (product_id);
CREATE INDEX inventory_received_on_idx ON inventory (received_on);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE INDEX orders_open_idx ON orders (ordered_at) WHERE status IN ('placed', 'paid', 'packed');
CREATE INDEX order_lines_inventory_id_idx ON order_lines (inventory_id);

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
CREATE TRIGGER inventory_touch BEFORE UPDATE ON inventory
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE VIEW stock_by_location AS
SELECT split_part(i.inventory_code, '-', 1) AS location, p.category, sum(i.quantity) AS pieces,
       sum(i.quantity * p.unit_price) AS value
  FROM inventory i JOIN products p USING (product_id)
 GROUP BY 1, 2;

CREATE FUNCTION order_total(wanted bigint) RETURNS numeric LANGUAGE sql STABLE AS
$$ SELECT COALESCE(sum(quantity * unit_price), 0) FROM order_lines WHERE order_id = wanted $$;

COMMENT ON TABLE inventory IS 'What lies in the warehouses, one row per received serial number';
COMMENT ON COLUMN inventory.inventory_code IS 'LOCATION-BATCH-SERIAL, such as BER03-B240517-004211';
COMMENT ON TABLE order_lines IS 'What was ordered, at the price of that day';
COMMENT ON FUNCTION order_total(bigint) IS 'What an order costs';
COMMENT ON VIEW stock_by_location IS 'Pieces and value per warehouse and category';

DROP FUNCTION pg_temp.pick(bigint, bigint);
COMMIT;
