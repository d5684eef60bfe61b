//! The database: suppliers, the payer's key, payments, and the requests that came.

use crate::{
    files::{Folder, storage},
    order::{KEY_VERSION, PayerKey, VerifiedOrder},
};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use stepward_fault::Fault;

/// The database's file name in the data folder.
pub(crate) const DATABASE: &str = "erp.db";
/// How long a writer waits for another process that looks into the database.
const BUSY: Duration = Duration::from_secs(5);
/// How many requests are kept.
const REQUESTS_KEPT: i64 = 1000;
/// How many rows of each kind the page shows.
const ROWS_SHOWN: i64 = 200;
/// The time in UTC as SQLite writes it, to the millisecond.
const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// One connection, used by one request at a time.
#[derive(Debug)]
pub(crate) struct Store(Mutex<Connection>);

/// A supplier as the API shows it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Supplier {
    /// The VAT id in its usual spelling.
    pub(crate) id: String,
    /// The name.
    pub(crate) name: String,
    /// The account on file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) iban: Option<String>,
}

/// How an attempt to book a payment ended.
#[derive(Debug)]
pub(crate) enum Booking {
    /// Booked now.
    Posted(String),
    /// The same request had booked it before.
    AlreadyPosted(String),
    /// The idempotency key belongs to another request.
    KeyMismatch,
    /// The invoice was paid under another key.
    AlreadyPaid(String),
    /// Nobody with that id is known.
    SupplierUnknown,
}

/// A payment for the page.
#[derive(Debug)]
pub(crate) struct PaymentRow {
    pub(crate) id: String,
    pub(crate) posted: String,
    pub(crate) supplier: String,
    pub(crate) invoice: String,
    pub(crate) amount: String,
    pub(crate) iban: String,
    pub(crate) due: String,
    pub(crate) idempotency_key: String,
}

/// A request for the page.
#[derive(Debug)]
pub(crate) struct RequestRow {
    pub(crate) at: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) answer: String,
}

impl Store {
    /// Opens the database; makes it, mode 0600, with its suppliers at the first start.
    pub(crate) fn open(folder: &Folder) -> Result<Self, Fault> {
        let path = folder.path(DATABASE);
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(|e| storage(&path, "open the database", &e))?;
        let prepare = || {
            let connection = Connection::open(&path)?;
            connection.busy_timeout(BUSY)?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
            )?;
            connection.execute_batch(&format!("BEGIN IMMEDIATE; {} COMMIT;", include_str!("schema.sql")))?;
            Ok(connection)
        };
        let connection =
            prepare().map_err(|e: rusqlite::Error| storage(&path, "prepare the database", &e))?;
        Ok(Self(Mutex::new(connection)))
    }

    /// A panic elsewhere leaves no half transaction: dropping one rolls it back.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `key` the one that orders must be signed with.
    pub(crate) fn register_payer_key(&self, key: &PayerKey) -> Result<(), Fault> {
        let sql = format!(
            "INSERT INTO payer_key (version, key, registered) VALUES (?1, ?2, {NOW})
             ON CONFLICT (version) DO UPDATE SET key = excluded.key, registered = excluded.registered
             WHERE key <> excluded.key"
        );
        self.connection()
            .execute(&sql, params![KEY_VERSION, key.as_bytes()])
            .map(drop)
            .map_err(|e| storage(DATABASE.as_ref(), "register the payer's key", &e))
    }

    /// The registered key of that version.
    pub(crate) fn payer_key(&self, version: &str) -> rusqlite::Result<Option<PayerKey>> {
        self.connection()
            .query_row("SELECT key FROM payer_key WHERE version = ?1", [version], |row| row.get(0))
            .optional()
            .map(|key| key.map(PayerKey::new))
    }

    /// The supplier with that VAT id, however it is spelt.
    pub(crate) fn supplier(&self, id: &str) -> rusqlite::Result<Option<Supplier>> {
        self.connection()
            .query_row("SELECT id, name, iban FROM supplier WHERE key = ?1", [supplier_key(id)], |row| {
                Ok(Supplier { id: row.get(0)?, name: row.get(1)?, iban: row.get(2)? })
            })
            .optional()
    }

    /// The payment of that invoice.
    pub(crate) fn payment_of(&self, supplier: &str, invoice: &str) -> rusqlite::Result<Option<String>> {
        paid(&self.connection(), supplier, invoice)
    }

    /// Books a payment, its idempotency key and the digest of its request in one transaction.
    pub(crate) fn post(
        &self,
        order: &VerifiedOrder,
        idempotency_key: &str,
        request_digest: &[u8],
    ) -> rusqlite::Result<Booking> {
        let mut connection = self.connection();
        let work = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let earlier = work
            .query_row(
                "SELECT number, request_digest FROM payment WHERE idempotency_key = ?1",
                [idempotency_key],
                |row| Ok((payment_id(row.get(0)?), row.get::<_, Vec<u8>>(1)?)),
            )
            .optional()?;
        if let Some((id, digest)) = earlier {
            return Ok(if digest == request_digest {
                Booking::AlreadyPosted(id)
            } else {
                Booking::KeyMismatch
            });
        }
        let supplier = supplier_key(order.supplier());
        if work
            .query_row("SELECT 1 FROM supplier WHERE key = ?1", [&supplier], |_| Ok(()))
            .optional()?
            .is_none()
        {
            return Ok(Booking::SupplierUnknown);
        }
        if let Some(id) = paid(&work, order.supplier(), order.invoice())? {
            return Ok(Booking::AlreadyPaid(id));
        }
        let sql = format!(
            "INSERT INTO payment (supplier, invoice, amount, currency, iban, due_date, kind, order_text,
                                  key_version, idempotency_key, request_digest, posted)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, {NOW})"
        );
        work.execute(
            &sql,
            params![
                supplier,
                order.invoice(),
                order.amount(),
                order.currency(),
                order.iban(),
                order.due_date(),
                order.kind(),
                order.text(),
                order.key_version(),
                idempotency_key,
                request_digest,
            ],
        )?;
        let id = payment_id(work.last_insert_rowid());
        work.commit()?;
        Ok(Booking::Posted(id))
    }

    /// Keeps a request for the page, and forgets the oldest.
    pub(crate) fn record(&self, method: &str, target: &str, answer: &str) -> rusqlite::Result<()> {
        let connection = self.connection();
        connection.execute(
            &format!("INSERT INTO request (at, method, target, answer) VALUES ({NOW}, ?1, ?2, ?3)"),
            [method, target, answer],
        )?;
        let oldest = connection.last_insert_rowid() - REQUESTS_KEPT;
        connection.execute("DELETE FROM request WHERE number <= ?1", [oldest]).map(drop)
    }

    /// The latest payments and requests.
    pub(crate) fn latest(&self) -> rusqlite::Result<(Vec<PaymentRow>, Vec<RequestRow>)> {
        let connection = self.connection();
        let payments = connection
            .prepare(
                "SELECT number, posted, name || ' (' || id || ')', invoice, amount || ' ' || currency,
                        coalesce(payment.iban, ''), coalesce(due_date, ''), idempotency_key
                 FROM payment JOIN supplier ON supplier.key = payment.supplier ORDER BY number DESC LIMIT ?1",
            )?
            .query_map([ROWS_SHOWN], payment_row)?
            .collect::<rusqlite::Result<_>>()?;
        let requests = connection
            .prepare("SELECT at, method, target, answer FROM request ORDER BY number DESC LIMIT ?1")?
            .query_map([ROWS_SHOWN], |row| {
                Ok(RequestRow {
                    at: row.get(0)?,
                    method: row.get(1)?,
                    target: row.get(2)?,
                    answer: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok((payments, requests))
    }
}

fn payment_row(row: &Row<'_>) -> rusqlite::Result<PaymentRow> {
    Ok(PaymentRow {
        id: payment_id(row.get(0)?),
        posted: row.get(1)?,
        supplier: row.get(2)?,
        invoice: row.get(3)?,
        amount: row.get(4)?,
        iban: row.get(5)?,
        due: row.get(6)?,
        idempotency_key: row.get(7)?,
    })
}

fn paid(connection: &Connection, supplier: &str, invoice: &str) -> rusqlite::Result<Option<String>> {
    connection
        .query_row(
            "SELECT number FROM payment WHERE supplier = ?1 AND invoice = ?2",
            [supplier_key(supplier), invoice.trim().to_owned()],
            |row| row.get(0).map(payment_id),
        )
        .optional()
}

fn payment_id(number: i64) -> String {
    format!("PAY-{number:06}")
}

/// VAT ids are written with and without dots, dashes and spaces.
fn supplier_key(id: &str) -> String {
    id.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}
