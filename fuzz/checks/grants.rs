//! What holds of every text that is offered as a path pattern, a label or the grants of a step.

use stepward_seam::{Grant, Grants, Label, PathPattern};

/// Reads the text as each of the three, and says which of them it is.
pub(crate) fn check(text: &str) -> Vec<&'static str> {
    let mut taken_as = Vec::new();
    if let Ok(pattern) = PathPattern::new(text) {
        assert_eq!(pattern.as_str(), text);
        matches_what_it_says(&pattern);
        taken_as.push("pattern");
    }
    if let Ok(label) = Label::new(text) {
        assert_eq!(label.as_str(), text);
        assert!(text.len() <= 64, "{text:?}");
        assert!(text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{text:?}");
        taken_as.push("label");
    }
    if let Ok(grants) = toml::from_str::<Grants>(text) {
        for (_, grant) in grants.iter() {
            match grant {
                Grant::Endpoint(endpoint) => endpoint.paths.iter().for_each(matches_what_it_says),
                Grant::Signer | Grant::Secret | Grant::Clock | Grant::Random => {}
            }
        }
        let written = toml::to_string(&grants).map(|text| toml::from_str(&text));
        assert_eq!(written, Ok(Ok(grants)));
        taken_as.push("grants");
    }
    taken_as
}

/// A pattern matches its own text, a star standing for some segment, and no segment more or less than
/// it says.
fn matches_what_it_says(pattern: &PathPattern) {
    let text = pattern.as_str();
    let mut path: Vec<String> = match text.strip_prefix('/') {
        None => panic!("{text:?} is no pattern"),
        Some("") => Vec::new(),
        Some(segments) => segments.split('/').map(|segment| segment.replace('*', "s")).collect(),
    };
    for segment in &path {
        assert!(!matches!(segment.as_str(), "" | "." | ".."), "{text:?}");
        assert!(!segment.contains(['%', '?', '#', '\\']), "{text:?}");
    }
    assert!(pattern.matches(&path).is_some(), "{text:?}");
    path.push("more".to_owned());
    assert_eq!(pattern.matches(&path).is_some(), text.ends_with("/**"), "{text:?}");
    path.truncate(path.len().saturating_sub(2));
    assert!(text == "/" || pattern.matches(&path).is_none(), "{text:?}");
}
