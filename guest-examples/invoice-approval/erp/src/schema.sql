-- Version 1. `user_version` tells a later program what it finds.
CREATE TABLE IF NOT EXISTS supplier (
    -- The VAT id in capitals, letters and digits only: one supplier, however it is spelt.
    key  TEXT PRIMARY KEY,
    id   TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The account on file, if there is one: where this supplier's money really goes.
    iban TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS payer_key (
    version    TEXT PRIMARY KEY,
    key        BLOB NOT NULL CHECK (length(key) = 32),
    registered TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS payment (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    supplier        TEXT NOT NULL REFERENCES supplier (key),
    invoice         TEXT NOT NULL,
    amount          TEXT NOT NULL,
    currency        TEXT NOT NULL,
    iban            TEXT,
    due_date        TEXT,
    kind            TEXT,
    order_text      TEXT NOT NULL,
    key_version     TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    request_digest  BLOB NOT NULL CHECK (length(request_digest) = 32),
    posted          TEXT NOT NULL,
    UNIQUE (supplier, invoice)
) STRICT;

CREATE TABLE IF NOT EXISTS request (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL,
    answer TEXT NOT NULL
) STRICT;

INSERT INTO supplier (key, id, name, iban) VALUES
    ('DK12345678', 'DK12345678', 'Company A', NULL),
    ('DK16356706', 'DK16356706', 'SubscriptionSeller', 'DK1212341234123412'),
    ('BE0000000196', 'BE0000000196', 'My Supplier Company N.V.', NULL),
    ('NL820098395B01', 'NL8200.98.395.B.01', 'De Koksmaat', 'NL03INGB0004489902'),
    ('DE123456789', 'DE123456789', 'Beispiel Bürobedarf GmbH', 'DE89370400440532013000'),
    ('FR12345678901', 'FR12345678901', 'Exemple Fournitures SARL', NULL)
    ON CONFLICT (key) DO NOTHING;

PRAGMA user_version = 1;
