//! Reads the response of `GetObjectTagging`. It has two levels and no attributes, so no XML library is needed for it.
//!
//! ```xml
//! <Tagging><TagSet><Tag><Key>name</Key><Value>value</Value></Tag></TagSet></Tagging>
//! ```

use std::collections::BTreeMap;

/// The text is not the expected document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the XML of a tag set")]
pub(crate) struct MalformedXml;

/// The tags in a document. Fails if an element does not end, or if a tag has no key or no value.
pub(crate) fn tags(document: &str) -> Result<BTreeMap<String, String>, MalformedXml> {
    let mut tags = BTreeMap::new();
    if !document.contains("<TagSet/>") {
        let (mut set, _) = element(document, "TagSet")?.ok_or(MalformedXml)?;
        while let Some((tag, rest)) = element(set, "Tag")? {
            let text = |name| element(tag, name)?.map(|(text, _)| unescaped(text)).ok_or(MalformedXml)?;
            tags.insert(text("Key")?, if tag.contains("<Value/>") { String::new() } else { text("Value")? });
            set = rest;
        }
    }
    Ok(tags)
}

/// The content of the first element with this name, and the text behind the element. `None` if there is no such element.
fn element<'a>(text: &'a str, name: &str) -> Result<Option<(&'a str, &'a str)>, MalformedXml> {
    let Some((_, rest)) = text.split_once(&format!("<{name}>")) else { return Ok(None) };
    rest.split_once(&format!("</{name}>")).map(Some).ok_or(MalformedXml)
}

/// Text with its character references replaced.
fn unescaped(text: &str) -> Result<String, MalformedXml> {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('&');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (reference, rest) = part.split_once(';').ok_or(MalformedXml)?;
        plain.push(match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = reference.strip_prefix('#').ok_or(MalformedXml)?;
                let code = number.strip_prefix('x').map_or_else(|| number.parse(), |digits| u32::from_str_radix(digits, 16));
                code.ok().and_then(char::from_u32).ok_or(MalformedXml)?
            }
        });
        plain.push_str(rest);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn tags_are_read() {
        let document = r#"<?xml version="1.0" encoding="UTF-8"?>
            <Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>
              <Tag><Key>GuardDutyMalwareScanStatus</Key><Value>NO_THREATS_FOUND</Value></Tag>
              <Tag><Key>a&lt;b&#38;c&#x41;</Key><Value/></Tag>
            </TagSet></Tagging>"#;
        assert_eq!(tags(document), Ok(map(&[("GuardDutyMalwareScanStatus", "NO_THREATS_FOUND"), ("a<b&cA", "")])));
        assert_eq!(tags("<Tagging><TagSet></TagSet></Tagging>"), Ok(map(&[])));
        assert_eq!(tags("<Tagging><TagSet/></Tagging>"), Ok(map(&[])));
    }

    #[test]
    fn other_documents_are_errors() {
        for document in [
            "",
            "<Error><Code>AccessDenied</Code></Error>",
            "<TagSet><Tag><Key>a</Key></Tag></TagSet>",
            "<TagSet><Tag><Value>a</Value></Tag></TagSet>",
            "<TagSet><Tag><Key>a</Key><Value>b</Value>",
            "<TagSet><Tag><Key>&unknown;</Key><Value>b</Value></Tag></TagSet>",
            "<TagSet><Tag><Key>&#xD800;</Key><Value>b</Value></Tag></TagSet>",
            "<TagSet><Tag><Key>&amp</Key><Value>b</Value></Tag></TagSet>",
        ] {
            assert_eq!(tags(document), Err(MalformedXml), "{document}");
        }
    }
}
