CREATE TABLE orders (
    id           TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL,
    placed_at_ms INTEGER NOT NULL,
    -- The order as it is answered. It never changes after it was placed, so it is kept as the document that it is.
    document     TEXT NOT NULL
) STRICT;

CREATE INDEX orders_by_user ON orders (user_id, placed_at_ms);

-- One row for each Idempotency-Key. Its primary key is what makes one order of a hundred equal requests.
CREATE TABLE claims (
    key            TEXT PRIMARY KEY,
    -- What was asked for, to tell a repetition from another request under the same key.
    request        TEXT NOT NULL,
    -- The order's id is given with the claim, before there is an order: the stock is reserved under it, so whoever takes
    -- an interrupted claim over finds the same reservation.
    order_id       TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),
    -- Whoever wrote this value works on the order until then, and may write the answer only while it still stands here.
    lease_until_ms INTEGER NOT NULL,
    claimed_at_ms  INTEGER NOT NULL,
    -- The answer, once there is one.
    status         INTEGER,
    body           TEXT,
    CHECK ((status IS NULL) = (body IS NULL))
) STRICT;

CREATE INDEX claims_unanswered ON claims (claimed_at_ms) WHERE status IS NULL;

-- Reservations to be given back: written in the same transaction as the decision, sent until product-service says yes.
CREATE TABLE releases (
    order_id TEXT PRIMARY KEY
) STRICT;
