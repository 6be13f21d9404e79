//! Finds the one content that a text means.
//!
//! What always holds: a text that means several contents means none.

use shoal_content::ContentId;

use crate::refusal::Refusal;

/// How long the beginning of an id must be at least; all ids begin alike.
const SHORTEST: usize = 8;
/// How many contents are named that a text may mean.
const NAMED: usize = 16;

/// Looks at the contents of a library, one after the other.
pub(crate) struct Search<'a> {
    text: &'a str,
    found: Vec<ContentId>,
}

impl<'a> Search<'a> {
    /// The text is no whole id.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, found: vec![] }
    }

    /// Looks at one more content.
    pub(crate) fn look(&mut self, content: ContentId, name: Option<&str>) {
        let begins = || self.text.len() >= SHORTEST && content.to_string().starts_with(self.text);
        if self.found.len() <= NAMED && (name == Some(self.text) || begins()) {
            self.found.push(content);
        }
    }

    /// What the text means.
    pub(crate) fn end(self) -> Result<ContentId, Refusal> {
        match self.found[..] {
            [content] => Ok(content),
            [] => {
                let refusal =
                    Refusal::not_found(format!("no content of the library is named '{}'", self.text));
                Err(refusal.hint("name one by its id, the first 8 or more characters of it, or its name"))
            }
            _ => {
                let ids = self.found.iter().take(NAMED).map(ContentId::to_string).collect();
                let refusal = Refusal::conflict(format!("several contents are named '{}'", self.text));
                Err(refusal.hint("name it by its id, or more of it").candidates(ids))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_content::Hash;

    fn contents() -> Vec<(ContentId, Option<&'static str>)> {
        let id = |n: u8| ContentId::from_root_hash(Hash::of(&[n]));
        vec![(id(0), Some("films")), (id(1), Some("music")), (id(2), Some("music")), (id(3), None)]
    }

    fn search(text: &str) -> Result<ContentId, Refusal> {
        let mut search = Search::new(text);
        contents().into_iter().for_each(|(content, name)| search.look(content, name));
        search.end()
    }

    #[test]
    fn a_name_or_the_beginning_of_an_id_is_enough() {
        let all = contents();
        assert_eq!(search("films").unwrap(), all[0].0);
        for (content, _) in &all {
            assert_eq!(search(&content.to_string()[..20]).unwrap(), *content);
        }
    }

    #[test]
    fn a_text_that_means_several_means_none() {
        let refusal = search("music").unwrap_err();
        let mut expected: Vec<String> = contents()[1..3].iter().map(|(id, _)| id.to_string()).collect();
        expected.sort();
        let mut candidates = refusal.problem().candidates.clone();
        candidates.sort();
        assert_eq!((refusal.problem().kind.as_str(), candidates), ("conflict", expected));
    }

    #[test]
    fn too_short_a_beginning_means_nothing() {
        let begin = &contents()[0].0.to_string()[..SHORTEST - 1];
        assert_eq!(search(begin).unwrap_err().problem().kind, "not_found");
        assert_eq!(search("").unwrap_err().problem().kind, "not_found");
        assert_eq!(search("film").unwrap_err().problem().kind, "not_found");
    }

    #[test]
    fn candidates_are_bounded() {
        let mut search = Search::new("same");
        for n in 0..1000_u32 {
            search.look(ContentId::from_root_hash(Hash::of(&n.to_be_bytes())), Some("same"));
        }
        assert_eq!(search.end().unwrap_err().problem().candidates.len(), NAMED);
    }
}
