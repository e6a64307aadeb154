//! Makes a trace for `[load] trace` of logs that are lines of JSON with a time.
//!
//! | file | job |
//! |---|---|
//! | `line` | one line -> what the trace says of it |
//! | `time` | a time as people write it -> nanoseconds |
//! | `level` | a level as people write it |
//! | `recording` | all lines -> the trace, in the order of time |

mod level;
mod line;
mod recording;
mod time;

pub use level::LevelNumbers;
pub use line::{BytesOf, Keys, Reading};
pub use recording::{RecordError, Recorder, Settings};
pub use time::Unit;
