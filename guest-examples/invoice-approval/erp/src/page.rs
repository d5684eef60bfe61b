//! The page for people: what was paid, and what was asked.

use crate::{
    reply::Refusal,
    store::{PaymentRow, RequestRow},
};
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use std::fmt::{self, Write as _};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;\
color:#1a1d21;background:#fff}h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}\
p{color:#555;margin:.25rem 0}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #e3e5e8;vertical-align:top}\
th{font-weight:600;color:#555;white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-nums;\
white-space:nowrap}td.m{font-family:ui-monospace,monospace;font-size:.85em;overflow-wrap:anywhere}\
@media(prefers-color-scheme:dark){body{color:#e6e8ea;background:#16181b}p,th{color:#a3a8ae}\
th,td{border-color:#2c3036}}";

/// Nothing but this page's own style; no script, no frame, no other origin.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// Text with every character that HTML reads escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => f.write_char(other),
        })
    }
}

/// Refuses a request under a name that is not this machine's: a page elsewhere whose name was made
/// to resolve to loopback must not read the payments.
pub(crate) fn local_name(headers: &HeaderMap) -> Result<(), Refusal> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host });
    match name {
        crate::NAME | "localhost" | "127.0.0.1" | "[::1]" => Ok(()),
        _ => Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "host-unknown",
            "open this page as https://erp.localhost or https://127.0.0.1",
        )),
    }
}

/// Writes the page.
pub(crate) fn render(payments: &[PaymentRow], requests: &[RequestRow]) -> Response {
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Example ERP</title><style>{STYLE}</style><h1>Example ERP</h1>\
         <p>What arrived here, latest first. Times are UTC.</p>"
    );
    table(
        &mut page,
        "Payments",
        &["Payment", "Posted", "Supplier", "Invoice", "Amount", "Account", "Due", "Idempotency key"],
        &payments
            .iter()
            .map(|p| {
                [
                    ("", &p.id),
                    ("", &p.posted),
                    ("", &p.supplier),
                    ("", &p.invoice),
                    ("n", &p.amount),
                    ("m", &p.iban),
                    ("", &p.due),
                    ("m", &p.idempotency_key),
                ]
            })
            .collect::<Vec<_>>(),
    );
    table(
        &mut page,
        "Requests",
        &["Time", "Method", "Target", "Answer"],
        &requests
            .iter()
            .map(|r| [("", &r.at), ("", &r.method), ("m", &r.target), ("", &r.answer)])
            .collect::<Vec<_>>(),
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(page)).into_response()
}

/// One table; each cell is a class and its text.
fn table<const N: usize>(page: &mut String, title: &str, heads: &[&str; N], rows: &[[(&str, &String); N]]) {
    page.extend(["<h2>", title, "</h2>"]);
    if rows.is_empty() {
        page.push_str("<p>None yet.</p>");
        return;
    }
    page.push_str("<div class=wide><table><tr>");
    page.extend(heads.iter().map(|head| format!("<th>{head}</th>")));
    page.push_str("</tr>");
    for row in rows {
        page.push_str("<tr>");
        page.extend(row.iter().map(|(class, text)| format!("<td class=\"{class}\">{}</td>", Escaped(text))));
        page.push_str("</tr>");
    }
    page.push_str("</table></div>");
}

#[cfg(test)]
mod tests {
    use super::{Escaped, local_name};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn nothing_of_html_survives() {
        assert_eq!(Escaped("<b a=\"1\" b='2'>&").to_string(), "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;");
    }

    #[test]
    fn only_names_of_this_machine_open_the_page() {
        let ask = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            local_name(&headers)
        };
        for good in ["erp.localhost:8443", "erp.localhost", "localhost:1", "127.0.0.1:8443", "[::1]:8443"] {
            assert!(ask(good).is_ok(), "{good}");
        }
        for bad in ["", "rebound.example:8443", "erp.localhost.example", "127.0.0.1.nip.example:8443"] {
            assert!(ask(bad).is_err(), "{bad}");
        }
    }
}
