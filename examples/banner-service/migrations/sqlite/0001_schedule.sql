-- Times are whole microseconds since 1970-01-01T00:00:00Z.

CREATE TABLE banners (
    -- AUTOINCREMENT: the id of a deleted banner never comes back for another one.
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    title     TEXT NOT NULL,
    image_url TEXT NOT NULL,
    link      TEXT NOT NULL
) STRICT;

CREATE TABLE placements (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    banner_id INTEGER NOT NULL REFERENCES banners (id) ON DELETE CASCADE,
    platform  TEXT    NOT NULL,
    slot      INTEGER NOT NULL CHECK (slot > 0),
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    CHECK (starts_at < ends_at)
) STRICT;

-- Both questions asked of this table (what is on now, what is in the way) concern what has not ended yet, which is
-- little, however long the history grows.
CREATE INDEX placements_by_end ON placements (platform, ends_at);
CREATE INDEX placements_by_banner ON placements (banner_id);

-- SQLite has one writer at a time, and a trigger runs inside the writer's statement: nobody can slip in between the
-- question and the row.
CREATE TRIGGER placements_no_overlap_on_insert BEFORE INSERT ON placements
WHEN EXISTS (
    SELECT 1 FROM placements AS other
    WHERE other.platform = NEW.platform AND other.slot = NEW.slot
      AND other.starts_at < NEW.ends_at AND NEW.starts_at < other.ends_at
)
BEGIN
    SELECT RAISE(ABORT, 'placements_no_overlap');
END;

CREATE TRIGGER placements_no_overlap_on_update BEFORE UPDATE ON placements
WHEN EXISTS (
    SELECT 1 FROM placements AS other
    WHERE other.platform = NEW.platform AND other.slot = NEW.slot AND other.id <> OLD.id
      AND other.starts_at < NEW.ends_at AND NEW.starts_at < other.ends_at
)
BEGIN
    SELECT RAISE(ABORT, 'placements_no_overlap');
END;
