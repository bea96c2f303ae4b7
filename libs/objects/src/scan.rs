//! The verdict of the malware scan. `GuardDuty`'s Malware Protection for S3 writes it to a tag of the object.

use std::collections::BTreeMap;

/// The tag that `GuardDuty` sets.
pub const SCAN_TAG: &str = "GuardDutyMalwareScanStatus";

/// What the malware scan says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanVerdict {
    /// No threat was found.
    Clean,
    /// There is no verdict yet, or no scan.
    Pending,
    /// A threat was found, or the object could not be scanned. It must not be downloaded.
    Refused,
}

impl ScanVerdict {
    /// The verdict in the tags of an object. Every status except `NO_THREATS_FOUND` refuses: `THREATS_FOUND`, `UNSUPPORTED`, `ACCESS_DENIED`,
    /// `FAILED`, and those that may follow.
    pub fn of_tags(tags: &BTreeMap<String, String>) -> Self {
        match tags.get(SCAN_TAG).map(String::as_str) {
            None => Self::Pending,
            Some("NO_THREATS_FOUND") => Self::Clean,
            Some(_) => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_status_is_clean() {
        let verdict = |status: &str| ScanVerdict::of_tags(&BTreeMap::from([(SCAN_TAG.to_owned(), status.to_owned())]));
        assert_eq!(verdict("NO_THREATS_FOUND"), ScanVerdict::Clean);
        for status in ["THREATS_FOUND", "UNSUPPORTED", "ACCESS_DENIED", "FAILED", "", "no_threats_found", "NEW"] {
            assert_eq!(verdict(status), ScanVerdict::Refused, "{status}");
        }
        assert_eq!(ScanVerdict::of_tags(&BTreeMap::from([("other".to_owned(), "THREATS_FOUND".to_owned())])), ScanVerdict::Pending);
    }
}
