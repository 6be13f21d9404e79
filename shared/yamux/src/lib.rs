//! What yamux says: many streams on one connection
//! ([specification](https://github.com/hashicorp/yamux/blob/master/spec.md)), with receive windows that follow the line.
//!
//! A [`Session`] is told the headers of frames that came and what is done with its streams, and the time; it says which
//! frames are to be sent. What it is not: it holds no bytes of streams, and reads and writes nothing.

mod frame;
mod session;
mod window;

pub use frame::{ACK, FIN, HEADER, Header, Kind, RST, SYN};
pub use session::{FrameMeaning, GROWTH, STREAMS, Session, Side, Unopened, Violation};
pub use window::WINDOW;
