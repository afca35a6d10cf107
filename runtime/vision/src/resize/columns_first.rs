//! Pillow's resizing where it takes columns before rows: since version 13, when the height shrinks by more than twice what
//! the width does. The bytes between the passes are rounded, so the order shows.

use alloc::vec;
use alloc::vec::Vec;

use super::separable::{Arithmetic, Pil, across};
use super::taps::Taps;

#[derive(Debug)]
pub(super) struct ColumnsFirst {
    channels: usize,
    x: Taps<i32>,
    y: Taps<i32>,
    /// Rows of the source; row `r` is in slot `r % slots`.
    kept: Vec<u8>,
    slots: usize,
    next: i32,
    sums: Vec<i32>,
    /// A row of the result's height and the source's width.
    middle: Vec<u8>,
    out: Vec<u8>,
}

impl ColumnsFirst {
    /// Whether Pillow takes columns first.
    pub fn wanted(from: (u32, u32), to: (u32, u32)) -> bool {
        let lost = |from: u32, to: u32| i64::from(from) - i64::from(to);
        let (rows, columns) = (lost(from.1, to.1), lost(from.0, to.0));
        rows > 0 && rows > 2 * columns
    }

    pub fn new(channels: usize, source_width: u32, x: Taps<i32>, y: Taps<i32>) -> Self {
        let row = source_width as usize * channels;
        let slots = y.most().max(1);
        Self {
            channels,
            kept: vec![0; row * slots],
            slots,
            next: 0,
            sums: vec![0; row],
            middle: vec![0; row],
            out: vec![0; x.reads.len() * channels],
            x,
            y,
        }
    }

    /// Row `y` of the result, as [`Separable::row`](super::separable::Separable::row).
    pub fn row(&mut self, y: usize, read: &mut dyn FnMut(u32, &mut [u8])) -> &[u8] {
        if y == 0 {
            self.next = 0;
        }
        let (first, weights) = self.y.reads[y].clone();
        let weights = &self.y.weights[weights];
        let row = self.middle.len();
        let end = first + weights.len() as i32;
        for r in self.next.max(first)..end {
            let slot = r as usize % self.slots * row;
            read(r as u32, &mut self.kept[slot..slot + row]);
        }
        self.next = self.next.max(end);
        self.sums.fill(Pil.start());
        for (i, &weight) in weights.iter().enumerate() {
            let slot = (first as usize + i) % self.slots * row;
            for (sum, &value) in self.sums.iter_mut().zip(&self.kept[slot..slot + row]) {
                *sum = Pil.add(*sum, value, weight);
            }
        }
        for (value, &sum) in self.middle.iter_mut().zip(&self.sums) {
            *value = Pil.finish(sum);
        }
        match self.channels {
            1 => across::<Pil, 1>(&Pil, &self.middle, &self.x, &mut self.out),
            _ => across::<Pil, 3>(&Pil, &self.middle, &self.x, &mut self.out),
        }
        &self.out
    }
}
