//! The history of a run, and the check of it for lost, duplicated and disordered messages.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// An acknowledged message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// The writer. A writer sends one message after another.
    pub(super) writer: usize,
    /// The conversation.
    pub(super) conversation: usize,
    /// The seq in the acknowledgement.
    pub(super) seq: u64,
    /// The writer's own id of the message.
    pub(super) optimistic_id: String,
    /// The text, after the edits that were acknowledged.
    pub(super) text: String,
}

/// A message in the store at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// The seq.
    pub(super) seq: u64,
    /// The writer's own id of the message.
    pub(super) optimistic_id: String,
    /// The text.
    pub(super) text: String,
    /// The version.
    pub(super) version: u64,
}

/// What one reader knows at the end.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// The conversations of the reader.
    pub(super) conversations: Vec<usize>,
    /// Version and text of each message, by conversation and seq.
    pub(super) known: HashMap<(usize, u64), (u64, String)>,
    /// The number of messages that one connection got twice.
    pub(super) twice: u64,
}

/// A whole run.
#[derive(Debug, Default)]
pub(super) struct History {
    /// All acknowledged messages, in the order of each writer.
    pub(super) acknowledged: Vec<Acknowledged>,
    /// The stored messages by conversation, in the order in which the store returns them.
    pub(super) stored: Vec<Vec<Stored>>,
    /// What the readers know.
    pub(super) readings: Vec<Reading>,
    /// Responses that are not in the contract.
    pub(super) refused: Vec<String>,
}

/// The errors of a run. If there are none, all numbers except `acknowledged` are 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The number of acknowledged messages.
    pub acknowledged: usize,
    /// Acknowledged messages that the store does not have at their seq, or has with another text.
    pub lost: usize,
    /// Messages that the store has more than once.
    pub duplicated: usize,
    /// Seqs without a message, or returned in another order.
    pub gaps: usize,
    /// Messages of a writer whose seq is lower than that of an earlier message of the same writer.
    pub out_of_order: usize,
    /// Messages in the store that were not acknowledged.
    pub unexpected: usize,
    /// Messages that a reader does not know at the end, or knows in another state.
    pub unseen: usize,
    /// Messages that a reader knows and the store does not have.
    pub imagined: usize,
    /// Messages that one connection got twice.
    pub twice: u64,
    /// Responses that are not in the contract.
    pub refused: usize,
}

impl Verdict {
    /// Whether there are no errors.
    pub fn is_clean(&self) -> bool {
        *self == Self { acknowledged: self.acknowledged, ..Self::default() }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "acknowledged          {:>8}", self.acknowledged)?;
        writeln!(f, "lost                  {:>8}", self.lost)?;
        writeln!(f, "duplicated            {:>8}", self.duplicated)?;
        writeln!(f, "gaps in seq           {:>8}", self.gaps)?;
        writeln!(f, "out of order          {:>8}", self.out_of_order)?;
        writeln!(f, "unexpected            {:>8}", self.unexpected)?;
        writeln!(f, "unseen by a reader    {:>8}", self.unseen)?;
        writeln!(f, "imagined by a reader  {:>8}", self.imagined)?;
        writeln!(f, "twice to a connection {:>8}", self.twice)?;
        write!(f, "refused               {:>8}", self.refused)
    }
}

impl History {
    /// Checks the history for errors.
    pub(super) fn judge(&self) -> Verdict {
        let mut verdict = Verdict { acknowledged: self.acknowledged.len(), refused: self.refused.len(), ..Verdict::default() };
        let mut at: HashMap<(usize, u64), &Stored> = HashMap::new();
        for (conversation, messages) in self.stored.iter().enumerate() {
            let mut names = HashSet::new();
            for (expected, message) in (1..).zip(messages) {
                verdict.gaps += usize::from(message.seq != expected);
                verdict.duplicated += usize::from(!names.insert(message.optimistic_id.as_str()));
                at.insert((conversation, message.seq), message);
            }
        }
        let mut told = HashSet::new();
        let mut last: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for message in &self.acknowledged {
            let place = (message.conversation, message.seq);
            told.insert(place);
            let found = at.get(&place).is_some_and(|stored| stored.optimistic_id == message.optimistic_id && stored.text == message.text);
            verdict.lost += usize::from(!found);
            let before = last.insert((message.writer, message.conversation), message.seq);
            verdict.out_of_order += usize::from(before.is_some_and(|before| before >= message.seq));
        }
        verdict.unexpected = at.keys().filter(|place| !told.contains(*place)).count();
        for reading in &self.readings {
            verdict.twice += reading.twice;
            let concerns = at.iter().filter(|((conversation, _), _)| reading.conversations.contains(conversation));
            let is_known =
                |place, stored: &Stored| reading.known.get(place).is_some_and(|(version, text)| (*version, text) == (stored.version, &stored.text));
            verdict.unseen += concerns.filter(|(place, stored)| !is_known(place, stored)).count();
            verdict.imagined += reading.known.keys().filter(|place| !at.contains_key(place)).count();
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history without errors: two writers, two conversations and one reader.
    fn clean() -> History {
        let mut history = History { stored: vec![Vec::new(), Vec::new()], ..History::default() };
        let mut reading = Reading { conversations: vec![0, 1], ..Reading::default() };
        for n in 0..20usize {
            let (writer, conversation) = (n % 2, n / 2 % 2);
            let (name, seq) = (format!("w{writer}-{n}"), history.stored[conversation].len() as u64 + 1);
            history.stored[conversation].push(Stored { seq, optimistic_id: name.clone(), text: name.clone(), version: 1 });
            reading.known.insert((conversation, seq), (1, name.clone()));
            history.acknowledged.push(Acknowledged { writer, conversation, seq, optimistic_id: name.clone(), text: name });
        }
        history.readings.push(reading);
        history
    }

    fn judged(spoil: impl FnOnce(&mut History)) -> Verdict {
        let mut history = clean();
        spoil(&mut history);
        history.judge()
    }

    #[test]
    fn a_correct_history_has_no_findings() {
        let verdict = judged(|_| {});
        assert!(verdict.is_clean() && verdict.acknowledged == 20, "{verdict}");
    }

    #[test]
    fn each_kind_of_loss_is_found() {
        let lost = judged(|history| drop(history.stored[0].pop()));
        assert_eq!((lost.lost, lost.imagined, lost.gaps), (1, 1, 0));
        let gap = judged(|history| drop(history.stored[0].remove(3)));
        assert_eq!((gap.lost, gap.gaps), (1, 6), "and all behind it stand where they should not");
        let twice = judged(|history| {
            let again = Stored { seq: 11, ..history.stored[1][0].clone() };
            history.stored[1].push(again);
        });
        assert_eq!((twice.duplicated, twice.unexpected, twice.unseen), (1, 1, 1));
        let other = judged(|history| history.stored[0][2].text = "other".to_owned());
        assert_eq!((other.lost, other.unseen), (1, 1));
        let swapped = judged(|history| history.acknowledged.swap(0, 4));
        assert_eq!(swapped.out_of_order, 1);
        let unseen = judged(|history| drop(history.readings[0].known.remove(&(1, 4))));
        assert_eq!(unseen, Verdict { acknowledged: 20, unseen: 1, ..Verdict::default() });
        let stale = judged(|history| history.stored[0][0].version = 2);
        assert_eq!(stale, Verdict { acknowledged: 20, unseen: 1, ..Verdict::default() });
        let announced = judged(|history| history.readings[0].twice = 3);
        assert_eq!((announced.twice, announced.is_clean()), (3, false));
        let refused = judged(|history| history.refused.push("418".to_owned()));
        assert!(!refused.is_clean());
        // A reader does not miss messages of conversations in which the reader takes no part.
        let apart = judged(|history| {
            history.readings[0].conversations = vec![0];
            history.readings[0].known.retain(|(conversation, _), _| *conversation == 0);
        });
        assert!(apart.is_clean());
    }
}
