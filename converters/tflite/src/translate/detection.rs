//! TFLite_Detection_PostProcess: boxes of anchors, and the best of them that do not overlap.
//!
//! The greedy choice is written out, one round for each box that may come out: the anchor with the highest score is taken, and
//! all that overlap it lose theirs. Every size is known, so the plan knows its memory.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap, invalid};
use crate::flexbuffer::{Number, numbers};
use crate::{Activation, Operator};

/// Boxes above which the rounds are too many to write out.
const MAX_BOXES: i64 = 100;

/// Options of the operator.
struct Settings {
    boxes: i64,
    classes: i64,
    least_score: f32,
    overlap: f32,
    /// Height, width, of y, of x: what the encoded numbers are divided by.
    scales: [f32; 4],
}

fn settings(bytes: &[u8]) -> Done<Settings> {
    let found = numbers(bytes)?;
    let float = |key: &str| match found.get(key) {
        Some(Number::Float(v)) => Ok(*v as f32),
        Some(Number::Int(v)) => Ok(*v as f32),
        None => invalid(format!("{key} is missing from its options")),
    };
    let int = |key: &str| match found.get(key) {
        Some(Number::Int(v)) => Ok(Some(*v)),
        Some(Number::Float(_)) => invalid(format!("{key} is no integer")),
        None => Ok(None),
    };
    if int("use_regular_nms")?.unwrap_or(0) != 0 {
        return gap("use_regular_nms, which suppresses class by class, is not supported");
    }
    if int("max_classes_per_detection")?.unwrap_or(1) != 1 {
        return gap("several classes for one box are not supported");
    }
    let (Some(boxes), Some(classes)) = (int("max_detections")?, int("num_classes")?) else {
        return invalid("max_detections or num_classes is missing from its options");
    };
    if !(1..=MAX_BOXES).contains(&boxes) {
        return gap(format!("{boxes} boxes; 1 to {MAX_BOXES} are supported"));
    }
    if !(1..=1 << 16).contains(&classes) {
        return invalid(format!("{classes} classes"));
    }
    let settings = Settings {
        boxes,
        classes,
        least_score: float("nms_score_threshold")?,
        overlap: float("nms_iou_threshold")?,
        scales: [
            float("h_scale")?,
            float("w_scale")?,
            float("y_scale")?,
            float("x_scale")?,
        ],
    };
    if !settings.scales.iter().all(|s| s.is_finite() && *s > 0.0) {
        return invalid("a scale that is not above 0");
    }
    Ok(settings)
}

/// Writes nodes named after the operator.
struct Writer<'t, 'm> {
    t: &'t mut Translator<'m>,
    base: String,
}

impl Writer<'_, '_> {
    fn node(&mut self, part: &str, op: &str, operands: &[&str]) -> String {
        let node = NodeProto::new(op, "", operands.iter().copied(), []);
        self.t.emit(&format!("{}_{part}", self.base), node)
    }

    fn float(&mut self, part: &str, value: f32) -> String {
        self.t.float(&format!("{}_{part}", self.base), value)
    }

    fn ints(&mut self, part: &str, values: &[i64]) -> Done<String> {
        self.t.ints(&format!("{}_{part}", self.base), values)
    }

    /// Columns `from` to `to` of the last dimension.
    fn columns(&mut self, part: &str, x: &str, from: i64, to: i64) -> Done<String> {
        let from = self.ints("from", &[from])?;
        let to = self.ints("to", &[to])?;
        let axis = self.ints("axis", &[-1])?;
        Ok(self.node(part, "Slice", &[x, &from, &to, &axis]))
    }

    /// `a · b` and then `op` with c.
    fn scaled(&mut self, part: &str, x: &str, factor: f32) -> String {
        let factor = self.float("factor", factor);
        self.node(part, "Mul", &[x, &factor])
    }
}

/// The operator: encoded boxes `[1, A, 4]` (y, x, height, width), scores `[1, A, C]`, anchors `[A, 4]`.
pub(crate) fn post_process(t: &mut Translator<'_>, op: &Operator) -> Done {
    let settings = settings(t.model.custom_options(op))?;
    let [boxes, scores, anchors] = [t.input(op, 0)?, t.input(op, 1)?, t.input(op, 2)?];
    let (&[1, count, width], &[1, rows, columns]) = (t.shape(boxes), t.shape(scores)) else {
        return gap("only one image at a time, boxes [1, A, 4] and scores [1, A, C], is supported");
    };
    let classes = usize::try_from(settings.classes).unwrap_or(0);
    let background = columns.checked_sub(classes);
    let sound = width >= 4 && count == rows && count > 0 && t.shape(anchors) == [count, 4];
    let Some(background) = background.filter(|&b| sound && b <= 1) else {
        return invalid(format!(
            "boxes {:?}, scores {:?}, anchors {:?}, {classes} classes",
            t.shape(boxes),
            t.shape(scores),
            t.shape(anchors)
        ));
    };
    let [boxes, scores, anchors] = [t.real(boxes)?, t.real(scores)?, t.real(anchors)?];
    let base = t.name(t.output(op, 0)?).to_owned();
    let w = &mut Writer { t, base };
    let corners = corners(w, &boxes, &anchors, count, &settings)?;
    // The best class of each anchor, the background left out.
    let first = i64::try_from(background).unwrap_or(0);
    let flat = w.ints("rows", &[count as i64, columns as i64])?;
    let scores = w.node("scores", "Reshape", &[&scores, &flat]);
    let scores = w.columns("classes", &scores, first, first + settings.classes)?;
    let last = w.ints("last", &[-1])?;
    let node = NodeProto::new("ReduceMax", "", [scores.as_str(), last.as_str()], [])
        .with_int("keepdims", 0);
    let best = w.t.emit(&format!("{}_best", w.base), node);
    let node = NodeProto::new("ArgMax", "", [scores.as_str()], [])
        .with_int("axis", 1)
        .with_int("keepdims", 0);
    let class = w.t.emit(&format!("{}_class", w.base), node);
    let node = NodeProto::new("Cast", "", [class.as_str()], []).with_int("to", 1);
    let class = w.t.emit(&format!("{}_class_real", w.base), node);
    let chosen = choose(w, &corners, &best, &class, &settings)?;
    results(t, op, chosen)
}

/// y0, x0, y1, x1 of each anchor: `[A]` each.
fn corners(
    w: &mut Writer<'_, '_>,
    boxes: &str,
    anchors: &str,
    count: usize,
    settings: &Settings,
) -> Done<[String; 4]> {
    let flat = w.ints("flat", &[count as i64])?;
    let column = |w: &mut Writer<'_, '_>, x: &str, i: i64| -> Done<String> {
        let part = w.columns("column", x, i, i + 1)?;
        Ok(w.node("numbers", "Reshape", &[&part, &flat]))
    };
    let [h_scale, w_scale, y_scale, x_scale] = settings.scales;
    let mut ends = Vec::new();
    // Each of y (encoded 0, size 2) and x (1, 3): centre = e / scale · size + centre, half = exp(e / scale) · size / 2.
    for (place, centre_scale, size_scale) in [(0, y_scale, h_scale), (1, x_scale, w_scale)] {
        let centre = column(w, boxes, place)?;
        let size = column(w, boxes, place + 2)?;
        let anchor = column(w, anchors, place)?;
        let anchor_size = column(w, anchors, place + 2)?;
        let step = w.float("scale", centre_scale);
        let centre = w.node("relative", "Div", &[&centre, &step]);
        let centre = w.node("moved", "Mul", &[&centre, &anchor_size]);
        let centre = w.node("centre", "Add", &[&centre, &anchor]);
        let step = w.float("scale", size_scale);
        let size = w.node("log", "Div", &[&size, &step]);
        let size = w.node("ratio", "Exp", &[&size]);
        let size = w.node("size", "Mul", &[&size, &anchor_size]);
        let half = w.scaled("half", &size, 0.5);
        ends.push([
            w.node("least", "Sub", &[&centre, &half]),
            w.node("most", "Add", &[&centre, &half]),
        ]);
    }
    let [[y0, y1], [x0, x1]]: [[String; 2]; 2] = match ends.try_into() {
        Ok(ends) => ends,
        Err(_) => return invalid("a box without corners"),
    };
    Ok([y0, x0, y1, x1])
}

/// The chosen boxes `[1, n, 4]`, classes `[1, n]`, scores `[1, n]`, and how many `[1]`.
fn choose(
    w: &mut Writer<'_, '_>,
    corners: &[String; 4],
    best: &str,
    class: &str,
    settings: &Settings,
) -> Done<[String; 4]> {
    let [y0, x0, y1, x1] = corners;
    let height = w.node("height", "Sub", &[y1, y0]);
    let width = w.node("width", "Sub", &[x1, x0]);
    let area = w.node("area", "Mul", &[&height, &width]);
    let zero = w.float("zero", 0.0);
    let one = w.float("one", 1.0);
    // Below every score.
    let gone = w.float("gone", f32::MIN);
    let least = w.float("least_score", settings.least_score);
    let overlap = w.float("overlap", settings.overlap);
    let enough = w.node("enough", "GreaterOrEqual", &[best, &least]);
    let mut scores = w.node("round", "Where", &[&enough, best, &gone]);
    let one_place = w.ints("single", &[1])?;
    let mut columns: [Vec<String>; 7] = Default::default();
    for _ in 0..settings.boxes {
        let node = NodeProto::new("ArgMax", "", [scores.as_str()], [])
            .with_int("axis", 0)
            .with_int("keepdims", 1);
        let place = w.t.emit(&format!("{}_place", w.base), node);
        let at = |w: &mut Writer<'_, '_>, x: &str| w.node("taken", "Gather", &[x, &place]);
        let score = at(w, &scores);
        let found = w.node("found", "Greater", &[&score, &gone]);
        let taken = [y0, x0, y1, x1].map(|x| at(w, x));
        let own_area = at(w, &area);
        let own_class = at(w, class);
        // What the box shares with each other one.
        let low_y = w.node("low_y", "Max", &[y0, &taken[0]]);
        let low_x = w.node("low_x", "Max", &[x0, &taken[1]]);
        let high_y = w.node("high_y", "Min", &[y1, &taken[2]]);
        let high_x = w.node("high_x", "Min", &[x1, &taken[3]]);
        let tall = w.node("tall", "Sub", &[&high_y, &low_y]);
        let tall = w.node("tall", "Max", &[&tall, &zero]);
        let wide = w.node("wide", "Sub", &[&high_x, &low_x]);
        let wide = w.node("wide", "Max", &[&wide, &zero]);
        let shared = w.node("shared", "Mul", &[&tall, &wide]);
        let both = w.node("both", "Add", &[&area, &own_area]);
        let union = w.node("union", "Sub", &[&both, &shared]);
        let ratio = w.node("ratio", "Div", &[&shared, &union]);
        let over = w.node("over", "Greater", &[&ratio, &overlap]);
        let left = w.node("left", "Where", &[&over, &gone, &scores]);
        // The box itself goes as well, whatever its area.
        let node = NodeProto::new(
            "ScatterElements",
            "",
            [&*left, &place, &gone_once(w, &gone, &one_place)],
            [],
        )
        .with_int("axis", 0);
        scores = w.t.emit(&format!("{}_round", w.base), node);
        let [a, b, c, d] = taken;
        let values = [a, b, c, d, own_class, score, one.clone()];
        for (column, value) in columns.iter_mut().zip(values) {
            column.push(w.node("kept", "Where", &[&found, &value, &zero]));
        }
    }
    let n = settings.boxes;
    let mut joined = Vec::new();
    for column in &columns {
        let node =
            NodeProto::new("Concat", "", column.iter().map(String::as_str), []).with_int("axis", 0);
        joined.push(w.t.emit(&format!("{}_column", w.base), node));
    }
    let tall = w.ints("tall_shape", &[1, n, 1])?;
    let sides: Vec<String> = joined[..4]
        .iter()
        .map(|side| w.node("side", "Reshape", &[side, &tall]))
        .collect();
    let node =
        NodeProto::new("Concat", "", sides.iter().map(String::as_str), []).with_int("axis", 2);
    let boxes = w.t.emit(&format!("{}_boxes", w.base), node);
    let row = w.ints("row_shape", &[1, n])?;
    let classes = w.node("classes", "Reshape", &[&joined[4], &row]);
    let scores = w.node("scores", "Reshape", &[&joined[5], &row]);
    let node = NodeProto::new("ReduceSum", "", [joined[6].as_str()], []).with_int("keepdims", 1);
    let count = w.t.emit(&format!("{}_count", w.base), node);
    Ok([boxes, classes, scores, count])
}

/// The lowest score as a vector of one.
fn gone_once(w: &mut Writer<'_, '_>, gone: &str, one_place: &str) -> String {
    w.node("gone_once", "Reshape", &[gone, one_place])
}

fn results(t: &mut Translator<'_>, op: &Operator, values: [String; 4]) -> Done {
    for (i, (value, rank)) in values.iter().zip([3, 2, 2, 1]).enumerate() {
        let y = t.output(op, i)?;
        t.ranks.insert(y, rank);
        let node = NodeProto::new("Identity", "", [value.as_str()], []);
        t.finish(y, node, Activation::None)?;
    }
    Ok(())
}
