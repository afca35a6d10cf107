//! From the numbers of a model to boxes, classes, masks, points and text.

mod boxes;
mod ctc;
mod db;
mod face;
mod maps;
mod nms;
mod rank;
mod ssd;
mod track;
mod yolo;

pub use boxes::{Detection, Rect};
pub use ctc::{CtcText, ctc_greedy};
pub use db::{Db, TextBox};
pub use face::{ultraface, yunet};
pub use maps::{ClassMap, class_map, heat_points};
pub use nms::{Nms, Suppress};
pub use rank::{Ranked, sigmoid, softmax, top_k};
pub use ssd::{SsdAnchors, post_processed, ssd};
pub use track::{Track, Tracker};
pub use yolo::{Yolo, yolo};
