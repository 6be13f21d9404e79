//! Why a content does not come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shoal_engine::Finding;
use utoipa::ToSchema;

/// Why a content does not come, or comes slowly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhyInfo {
    /// Which content.
    pub content: String,
    /// Its name, once that is known.
    pub name: Option<String>,
    /// What was found, the most important first; never empty.
    pub findings: Vec<FindingInfo>,
}

/// Something that holds a content back, or that nothing does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FindingInfo {
    /// A word for programs, such as `peers_unreachable`.
    pub cause: String,
    /// Whether all is as it should be.
    pub normal: bool,
    /// What is the case; a sentence.
    pub what: String,
    /// The figures that speak for it, by name: numbers (bytes, bytes per second, seconds, pieces) and texts. Several
    /// of one name are a list.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub evidence: BTreeMap<String, Value>,
    /// The same in words; may hold words of other peers.
    pub because: String,
    /// What to do; a sentence.
    pub advice: String,
}

impl From<&Finding> for FindingInfo {
    fn from(finding: &Finding) -> Self {
        let mut evidence = BTreeMap::new();
        for fact in &finding.evidence {
            add(&mut evidence, word(&fact.measure), serde_json::to_value(&fact.figure).unwrap_or_default());
        }
        Self {
            cause: word(&finding.cause),
            normal: finding.cause.is_normal(),
            what: finding.what().to_owned(),
            evidence,
            because: finding.because(),
            advice: finding.advice().to_owned(),
        }
    }
}

/// The name by which programs know a variant.
fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn add(evidence: &mut BTreeMap<String, Value>, name: String, value: Value) {
    match evidence.remove(&name) {
        None => drop(evidence.insert(name, value)),
        Some(Value::Array(mut list)) => {
            list.push(value);
            evidence.insert(name, list.into());
        }
        Some(first) => drop(evidence.insert(name, vec![first, value].into())),
    }
}

#[cfg(test)]
mod tests {
    use shoal_engine::{Cause, Fact, Figure, Measure};

    use super::*;

    #[test]
    fn figures_of_one_name_become_a_list() {
        let tracker = |text: &str| Fact { measure: Measure::Tracker, figure: Figure::Text(text.into()) };
        let chunks = Fact { measure: Measure::ChunksMissing, figure: Figure::Count(3) };
        let finding =
            Finding { cause: Cause::TrackerRefuses, evidence: vec![tracker("a"), chunks, tracker("b")] };
        let info = FindingInfo::from(&finding);
        assert_eq!(info.cause, "tracker_refuses");
        assert!(!info.normal);
        assert_eq!(
            serde_json::to_string(&info.evidence).unwrap(),
            r#"{"chunks_missing":3,"tracker":["a","b"]}"#
        );
        assert!(info.because.contains("tracker: a") && info.because.contains("tracker: b"));
    }
}
