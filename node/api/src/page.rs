//! Pages of lists.

use std::ops::RangeInclusive;

use serde::Deserialize;
use utoipa::IntoParams;

use crate::model::Page;
use crate::refusal::Refusal;

/// How much a page may have.
const LIMITS: RangeInclusive<usize> = 1..=1000;
/// How much it has if nothing is said.
const USUAL: usize = 100;

/// Which page of a list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// 1 to 1000; 100 if it is left out.
    limit: Option<usize>,
}

impl PageQuery {
    pub(crate) fn new(after: Option<String>, limit: Option<usize>) -> Self {
        Self { after, limit }
    }

    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    pub(crate) fn limit(&self) -> Result<usize, Refusal> {
        limit(self.limit, USUAL)
    }

    /// Cuts a page out of a whole list that is ordered by `key`, smallest first.
    pub(crate) fn cut<T>(
        &self,
        all: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> Result<Page<T>, Refusal> {
        let limit = self.limit()?;
        let behind = |item: &T| self.after().is_none_or(|after| key(item).as_str() > after);
        let mut rest = all.into_iter().filter(behind);
        let items: Vec<T> = rest.by_ref().take(limit).collect();
        let next = rest.next().and_then(|_| items.last().map(&key));
        Ok(Page { items, next })
    }
}

/// Checks how much is asked for.
pub(crate) fn limit(asked: Option<usize>, usual: usize) -> Result<usize, Refusal> {
    let limit = asked.unwrap_or(usual);
    if LIMITS.contains(&limit) {
        return Ok(limit);
    }
    Err(Refusal::invalid(format!("limit is {limit}, and must be {} to {}", LIMITS.start(), LIMITS.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(after: Option<&str>, limit: Option<usize>) -> Result<Page<u32>, Refusal> {
        PageQuery::new(after.map(str::to_owned), limit).cut(10..25, u32::to_string)
    }

    #[test]
    fn pages_end_to_end_are_the_list() {
        let (mut all, mut after) = (vec![], None);
        loop {
            let page = page(after.as_deref(), Some(4)).unwrap();
            assert!(page.items.len() <= 4);
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(all, (10..25).collect::<Vec<_>>());
        // The last page is full, and still the last.
        assert_eq!(page(Some("19"), Some(5)).unwrap(), Page { items: (20..25).collect(), next: None });
    }

    #[test]
    fn a_page_has_bounds() {
        for wrong in [0, 1001, usize::MAX] {
            assert_eq!(page(None, Some(wrong)).unwrap_err().problem().kind, "invalid");
        }
        assert_eq!(page(None, None).unwrap().items.len(), 15);
    }
}
