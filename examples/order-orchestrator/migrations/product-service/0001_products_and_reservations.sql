CREATE TABLE products (
    sku         TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
    currency    TEXT NOT NULL CHECK (length(currency) = 3),
    -- What can still be reserved. The check is the last word: whatever the code does, nothing is sold twice.
    stock       INTEGER NOT NULL CHECK (stock >= 0)
) STRICT;

CREATE TABLE reservations (
    id      TEXT PRIMARY KEY,
    -- What was asked for, to tell a repetition from another request under the same id. NULL when the release came first.
    request TEXT,
    state   TEXT NOT NULL CHECK (state IN ('held', 'released'))
) STRICT;

-- Name and price as they were when the stock was reserved: that is the price of the order.
CREATE TABLE reservation_lines (
    reservation_id TEXT NOT NULL REFERENCES reservations (id),
    line           INTEGER NOT NULL,
    sku            TEXT NOT NULL REFERENCES products (sku),
    name           TEXT NOT NULL,
    quantity       INTEGER NOT NULL CHECK (quantity > 0),
    price_minor    INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    PRIMARY KEY (reservation_id, line)
) STRICT;
