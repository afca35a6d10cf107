//! What is seen in a picture: as lines, as JSON, drawn.

use redpoll_vision::{
    Canvas, ClassMap, Detection, Picture, Placement, Ranked, TextBox, class_color,
};
use serde_json::{Value, json};

/// A thing in a box.
pub struct Thing {
    pub name: String,
    pub found: Detection,
    /// Its number from frame to frame, where it is followed.
    pub id: Option<u64>,
}

impl Thing {
    /// Its name, with its number.
    fn title(&self) -> String {
        match self.id {
            Some(id) => format!("#{id} {}", self.name),
            None => self.name.clone(),
        }
    }
}

/// What is seen.
pub enum Answer {
    Classes(Vec<(String, Ranked)>),
    Boxes(Vec<Thing>),
    /// With the names of its classes.
    Map(ClassMap, Placement, Vec<String>),
    Lines(Vec<(TextBox, String, f32)>),
}

fn corners(b: &TextBox) -> Vec<[f32; 2]> {
    b.corners.iter().map(|c| [c.0, c.1]).collect()
}

/// Share of the cells of each class that is there.
fn shares(map: &ClassMap) -> Vec<(u16, f64)> {
    let mut counts = std::collections::BTreeMap::new();
    for &class in &map.classes {
        *counts.entry(class).or_insert(0usize) += 1;
    }
    counts
        .into_iter()
        .map(|(class, n)| (class, n as f64 / map.classes.len() as f64))
        .collect()
}

impl Answer {
    /// A line for each thing.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Classes(all) => all
                .iter()
                .map(|(name, r)| format!("{:6.2} %  {name}", r.score * 100.0))
                .collect(),
            Self::Boxes(all) => all
                .iter()
                .map(|thing| {
                    let r = thing.found.rect;
                    let (w, h) = (r.right - r.left, r.bottom - r.top);
                    format!(
                        "{:6.2} %  {}  {w:.0}×{h:.0} at {:.0}, {:.0}",
                        thing.found.score * 100.0,
                        thing.title(),
                        r.left,
                        r.top
                    )
                })
                .collect(),
            Self::Map(map, _, names) => shares(map)
                .iter()
                .map(|(class, share)| {
                    let name = names.get(usize::from(*class)).cloned();
                    let name = name.unwrap_or_else(|| format!("class {class}"));
                    format!("{:6.2} %  {name}", share * 100.0)
                })
                .collect(),
            Self::Lines(all) => all.iter().map(|(_, text, _)| text.clone()).collect(),
        }
    }

    /// A list with an object for each thing; sizes in pixels of the picture.
    pub fn json(&self) -> Value {
        match self {
            Self::Classes(all) => {
                all.iter().map(|(name, r)| json!({"class": r.class, "name": name, "score": r.score})).collect()
            }
            Self::Boxes(all) => all
                .iter()
                .map(|Thing { name, found, id }| {
                    let r = found.rect;
                    let mut thing = json!({"class": found.class, "name": name, "score": found.score, "box": [r.left, r.top, r.right, r.bottom], "points": found.points});
                    if let Some(id) = id {
                        thing["id"] = (*id).into();
                    }
                    thing
                })
                .collect(),
            Self::Map(map, _, names) => shares(map)
                .iter()
                .map(|(class, share)| json!({"class": class, "name": names.get(usize::from(*class)), "share": share}))
                .collect(),
            Self::Lines(all) => all
                .iter()
                .map(|(b, text, score)| json!({"corners": corners(b), "found": b.score, "text": text, "score": score}))
                .collect(),
        }
    }

    /// Draws it onto a copy of the picture.
    pub fn draw(&self, picture: &Picture) -> Picture {
        let mut drawn = picture.to_rgb();
        let size = (drawn.width() as f32, drawn.height() as f32);
        let mut canvas = Canvas::new(&mut drawn);
        match self {
            Self::Classes(all) => {
                if let Some((name, r)) = all.first() {
                    canvas.label(
                        0.0,
                        0.0,
                        &format!("{name} {:.0}%", r.score * 100.0),
                        class_color(r.class),
                    );
                }
            }
            Self::Boxes(all) => {
                for thing in all {
                    let d = &thing.found;
                    // Followed things are told apart by their numbers.
                    let color = class_color(thing.id.map_or(d.class, |id| id as usize));
                    canvas.rect(&d.rect, color);
                    d.points.iter().for_each(|&p| canvas.point(p, color));
                    canvas.label(
                        d.rect.left,
                        d.rect.top,
                        &format!("{} {:.0}%", thing.title(), d.score * 100.0),
                        color,
                    );
                }
            }
            Self::Map(map, p, _) => canvas.tint(|x, y| {
                let (ix, iy) = p.to_input(x * size.0, y * size.1);
                let class = map.at(ix / p.input.0 as f32, iy / p.input.1 as f32);
                (class > 0).then(|| (class_color(usize::from(class)), 0.5))
            }),
            Self::Lines(all) => {
                for (i, (b, text, _)) in all.iter().enumerate() {
                    let color = class_color(i);
                    for c in 0..4 {
                        canvas.line(b.corners[c], b.corners[(c + 1) % 4], color);
                    }
                    canvas.label(b.corners[0].0, b.corners[0].1, text, color);
                }
            }
        }
        drawn
    }
}
