//! Taking contents into the library, and out of it.

use shoal_content::ContentId;

use crate::checks::check_fetch;
use crate::core::Core;
use crate::library::{Change, Record, Want};
use crate::{DaemonError, DaemonEvent, FetchRequest, ItemState};

impl Core {
    /// Begins to fetch a content that is new. The folder is made if it is missing.
    pub(crate) async fn add_fetch(&self, request: FetchRequest) -> Result<(), DaemonError> {
        check_fetch(&request)?;
        let (content, dir) = (request.options.content, request.options.dir.clone());
        let shown = shoal_printable::printable_bytes(dir.as_os_str().as_encoded_bytes());
        let made = tokio::task::spawn_blocking(move || std::fs::create_dir_all(dir)).await;
        let made = made.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        made.map_err(|error| DaemonError::Invalid(format!("cannot make the folder '{shown}': {error}")))?;
        let record = Record::new(Want::Fetch(request));
        if !self.contents.insert(content, record.clone()) {
            return Err(DaemonError::Known(content));
        }
        let begun = self.begin_new(content, record).await;
        if begun.is_err() {
            self.contents.remove(content);
        }
        begun?;
        self.tell(DaemonEvent::Added { content });
        Ok(())
    }

    async fn begin_new(&self, content: ContentId, record: Record) -> Result<(), DaemonError> {
        let gate = self.contents.gate(content).ok_or(DaemonError::NoSuchContent(content))?;
        let _one = gate.lock().await;
        self.library.commit(vec![Change::Record(content, Box::new(record))]).await?;
        if let Err(failure) = self.begin_gated(content).await {
            self.library.commit(vec![Change::Forget(content)]).await?;
            return Err(failure.into());
        }
        Ok(())
    }

    /// Takes a content out of the library. Files stay.
    pub(crate) async fn take_out(&self, content: ContentId) -> Result<(), DaemonError> {
        let gate = self.contents.gate(content).ok_or(DaemonError::NoSuchContent(content))?;
        let _one = gate.lock().await;
        self.library.commit(vec![Change::Forget(content)]).await?;
        self.halt_gated(content, ItemState::Ended).await;
        if self.contents.remove(content) {
            self.tell(DaemonEvent::Removed { content });
        }
        Ok(())
    }
}
