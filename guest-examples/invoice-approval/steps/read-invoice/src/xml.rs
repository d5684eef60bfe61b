//! Finding one's way in a UBL document, and saying where something is wrong in it.
//!
//! Elements are matched by namespace and local name; prefixes are the writer's own business.

use invoice_model::{Date, Number};
use roxmltree::Node;
use std::{fmt, str::FromStr};

/// UBL 2.1 common aggregate components: elements that hold elements.
const AGGREGATE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
/// UBL 2.1 common basic components: elements that hold text.
const BASIC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/// What kind of thing is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Longer than the step takes.
    TooLarge,
    /// Not well-formed XML, or XML with a document type definition.
    Xml,
    /// XML, but neither a UBL invoice nor a UBL credit note.
    NotAnInvoice,
    /// A number that is none.
    Number,
    /// A date that is none.
    Date,
    /// A charge indicator that is neither true nor false.
    Indicator,
    /// An element that may occur once occurs again, so that readers could differ on it.
    Repeated,
    /// An embedded document that is not base64.
    Attachment,
}

impl Code {
    /// The stable name that workflows match on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "document-too-large",
            Self::Xml => "document-not-xml",
            Self::NotAnInvoice => "document-not-an-invoice",
            Self::Number => "number-malformed",
            Self::Date => "date-malformed",
            Self::Indicator => "indicator-malformed",
            Self::Repeated => "element-repeated",
            Self::Attachment => "attachment-malformed",
        }
    }
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// What kind of thing is wrong.
    pub code: Code,
    /// Where and what, for a person.
    pub message: String,
}

impl ReadError {
    /// An error about the document as a whole.
    pub(crate) fn document(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// An error at an element: its path and line stand before the message.
    pub(crate) fn at(node: Node<'_, '_>, code: Code, message: impl fmt::Display) -> Self {
        let line = node.document().text_pos_at(node.range().start).row;
        Self { code, message: format!("line {line}, {}: {message}", path(node)) }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// Most names of a path that an error shows, the last ones.
const PATH_NAMES: usize = 8;
/// Most characters of the text that an error quotes.
const QUOTE_CHARS: usize = 40;

/// The path of an element, with the prefixes that UBL documentation uses.
fn path(node: Node<'_, '_>) -> String {
    let mut names: Vec<String> =
        node.ancestors().filter(Node::is_element).take(PATH_NAMES).map(name).collect();
    names.reverse();
    names.join("/")
}

fn name(node: Node<'_, '_>) -> String {
    let local = quote(node.tag_name().name());
    match node.tag_name().namespace() {
        Some(AGGREGATE) => format!("cac:{local}"),
        Some(BASIC) => format!("cbc:{local}"),
        _ => local,
    }
}

/// A piece of the document, cut for an error.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The elements called `name` that hold elements.
pub(crate) fn groups<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    children(node, AGGREGATE, name)
}

/// The one element called `name` that holds elements.
pub(crate) fn group<'a, 'i>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> Result<Option<Node<'a, 'i>>, ReadError> {
    only(groups(node, name))
}

/// Follows a path of groups, each of which may occur once.
pub(crate) fn walk<'a, 'i>(
    node: Node<'a, 'i>,
    names: &[&'static str],
) -> Result<Option<Node<'a, 'i>>, ReadError> {
    let mut here = Some(node);
    for name in names {
        match here {
            Some(node) => here = group(node, name)?,
            None => break,
        }
    }
    Ok(here)
}

/// The elements called `name` that hold text.
pub(crate) fn leaves<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    children(node, BASIC, name)
}

/// The one element called `name` that holds text.
pub(crate) fn leaf<'a, 'i>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> Result<Option<Node<'a, 'i>>, ReadError> {
    only(leaves(node, name))
}

fn children<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    // The name first: most children differ in it, and all namespaces of UBL begin alike.
    node.children().filter(move |child| {
        let tag = child.tag_name();
        tag.name() == name && tag.namespace() == Some(namespace)
    })
}

fn only<'a, 'i>(mut nodes: impl Iterator<Item = Node<'a, 'i>>) -> Result<Option<Node<'a, 'i>>, ReadError> {
    let first = nodes.next();
    match nodes.next() {
        Some(second) => {
            Err(ReadError::at(second, Code::Repeated, "the element may occur once, and occurs again here"))
        }
        None => Ok(first),
    }
}

/// The text of an element without surrounding white space; `None` where nothing is left.
pub(crate) fn content(node: Node<'_, '_>) -> Option<String> {
    let mut pieces = node.children().filter_map(|child| if child.is_text() { child.text() } else { None });
    let first = pieces.next()?;
    // Comments and processing instructions split a text; the pieces belong together.
    let whole = pieces.fold(first.to_owned(), |whole, piece| whole + piece);
    let trimmed = whole.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// The text of the one element called `name`.
pub(crate) fn text(node: Node<'_, '_>, name: &'static str) -> Result<Option<String>, ReadError> {
    Ok(leaf(node, name)?.and_then(content))
}

/// The text of the first element called `name`, where UBL allows several and EN 16931 uses one.
pub(crate) fn first_text(node: Node<'_, '_>, name: &'static str) -> Option<String> {
    leaves(node, name).next().and_then(content)
}

/// The attribute called `name`, without surrounding white space.
pub(crate) fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// The number in the one element called `name`.
pub(crate) fn number(node: Node<'_, '_>, name: &'static str) -> Result<Option<Number>, ReadError> {
    parsed(node, name, Code::Number)
}

/// The date in the one element called `name`.
pub(crate) fn date(node: Node<'_, '_>, name: &'static str) -> Result<Option<Date>, ReadError> {
    parsed(node, name, Code::Date)
}

fn parsed<T: FromStr<Err: fmt::Display>>(
    node: Node<'_, '_>,
    name: &'static str,
    code: Code,
) -> Result<Option<T>, ReadError> {
    let Some(found) = leaf(node, name)? else { return Ok(None) };
    let Some(text) = content(found) else { return Ok(None) };
    let value =
        text.parse().map_err(|why| ReadError::at(found, code, format_args!("`{}`: {why}", quote(&text))))?;
    Ok(Some(value))
}
