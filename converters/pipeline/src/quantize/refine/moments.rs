//! Second moments of a layer's input windows, and means of its output channels.

use redpoll_graph::{Data, Node, Op, QParams, Tensor};

/// Most windows looked at for one covariance.
const MOST_WINDOWS: usize = 6144;

/// The windows that a convolution's taps see: `[K…, C/groups]` integers minus the zero point, in the order of the
/// weights; the border reads as 0. A dense layer sees its rows.
pub(super) struct Windows {
    /// Sizes as if there were two spatial axes.
    x: [usize; 2],
    y: [usize; 2],
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    pads: [usize; 2],
    channels: usize,
    groups: usize,
    zero: i32,
}

/// The last two of up to two numbers, filled up in front.
fn two(v: &[usize], fill: usize) -> [usize; 2] {
    match *v {
        [] => [fill, fill],
        [a] => [fill, a],
        [.., a, b] => [a, b],
    }
}

impl Windows {
    pub fn of(node: &Node, x: &[usize], w: &[usize], zero: i32) -> Self {
        let channels = x.last().copied().unwrap_or(1);
        let Op::Conv(conv) = &node.op else {
            // Rows of a dense layer: a window of one position over all leading axes.
            let rows = x.iter().rev().skip(1).product();
            return Self {
                x: [1, rows],
                y: [1, rows],
                kernel: [1, 1],
                strides: [1, 1],
                dilations: [1, 1],
                pads: [0, 0],
                channels,
                groups: 1,
                zero,
            };
        };
        let spatial = |s: &[usize]| two(&s[1..s.len() - 1], 1);
        let (x, kernel) = (spatial(x), spatial(w));
        let (strides, dilations) = (two(&conv.strides, 1), two(&conv.dilations, 1));
        let (before, after) = (two(&conv.pads_before, 0), two(&conv.pads_after, 0));
        let out = |i: usize| {
            let reach = dilations[i] * (kernel[i] - 1) + 1;
            (x[i] + before[i] + after[i]).saturating_sub(reach) / strides[i] + 1
        };
        Self {
            x,
            y: [out(0), out(1)],
            kernel,
            strides,
            dilations,
            pads: before,
            channels,
            groups: conv.groups,
            zero,
        }
    }

    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Elements of a window within one group.
    pub fn length(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels / self.groups
    }

    /// Covariance `[K, K]` of the windows of group `g`, from an even choice of positions over all tensors.
    pub fn covariance(&self, tensors: &[Tensor], g: usize) -> Vec<f32> {
        let k = self.length();
        let each = self.y[0] * self.y[1];
        let total = tensors.len() * each;
        let count = total.min(MOST_WINDOWS);
        let mut rows = vec![0f32; count * k];
        for (i, window) in rows.chunks_exact_mut(k.max(1)).enumerate() {
            // Even steps with a jitter, so that no column of the image is preferred.
            let (from, to) = (i * total / count, (i + 1) * total / count);
            let position = from + i.wrapping_mul(0x9E37_79B1) % (to - from).max(1);
            self.read(&tensors[position / each], position % each, g, window);
        }
        center(&mut rows, k);
        products(&transposed(&rows, k), &rows, k)
    }

    fn read(&self, tensor: &Tensor, position: usize, g: usize, window: &mut [f32]) {
        let depth = self.channels / self.groups;
        let (oy, ox) = (position / self.y[1], position % self.y[1]);
        let mut taps = window.chunks_exact_mut(depth);
        for ky in 0..self.kernel[0] {
            for kx in 0..self.kernel[1] {
                let Some(tap) = taps.next() else { return };
                let iy = (oy * self.strides[0] + ky * self.dilations[0]).wrapping_sub(self.pads[0]);
                let ix = (ox * self.strides[1] + kx * self.dilations[1]).wrapping_sub(self.pads[1]);
                if iy >= self.x[0] || ix >= self.x[1] {
                    tap.fill(0.0);
                    continue;
                }
                let at = (iy * self.x[1] + ix) * self.channels + g * depth;
                match tensor.data() {
                    Data::I8(v) => copy(tap, &v[at..at + depth], self.zero),
                    Data::U8(v) => copy(tap, &v[at..at + depth], self.zero),
                    _ => tap.fill(0.0),
                }
            }
        }
    }
}

fn copy<T: Copy + Into<i32>>(tap: &mut [f32], from: &[T], zero: i32) {
    for (t, &v) in tap.iter_mut().zip(from) {
        *t = (v.into() - zero) as f32;
    }
}

/// Subtracts from each of `k` columns its mean.
fn center(rows: &mut [f32], k: usize) {
    let n = (rows.len() / k.max(1)).max(1) as f64;
    let mut means = vec![0f64; k];
    for row in rows.chunks_exact(k.max(1)) {
        for (m, &v) in means.iter_mut().zip(row) {
            *m += f64::from(v);
        }
    }
    for row in rows.chunks_exact_mut(k.max(1)) {
        for (v, m) in row.iter_mut().zip(&means) {
            *v -= (m / n) as f32;
        }
    }
}

/// `[n, k]` → `[k, n]`.
fn transposed(rows: &[f32], k: usize) -> Vec<f32> {
    let n = rows.len() / k.max(1);
    let mut out = vec![0f32; rows.len()];
    for (i, row) in rows.chunks_exact(k.max(1)).enumerate() {
        for (j, &v) in row.iter().enumerate() {
            out[j * n + i] = v;
        }
    }
    out
}

/// `a [k, n] · b [n, k] / n` on the best tier of this CPU (the bits are the same on all), rows divided among threads.
fn products(a: &[f32], b: &[f32], k: usize) -> Vec<f32> {
    let mut y = vec![0f32; k * k];
    let n = b.len() / k.max(1);
    let Some(tier) = redpoll_kernels::tiers().first() else {
        return y;
    };
    if n == 0 {
        return y;
    }
    let threads = match k {
        ..64 => 1,
        _ => std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(8),
    };
    let share = k.div_ceil(threads);
    std::thread::scope(|scope| {
        for (a, y) in a.chunks(share * n).zip(y.chunks_mut(share * k)) {
            let mut work = move || tier.matmul_f32(a, b, y, a.len() / n, n, k);
            if threads > 1 {
                scope.spawn(work);
            } else {
                work();
            }
        }
    });
    y.iter_mut().for_each(|v| *v /= n as f32);
    y
}

/// The real mean of each channel (last axis) over all tensors.
pub(super) fn channel_means(tensors: &[Tensor], q: &QParams) -> Vec<f64> {
    let channels = tensors
        .first()
        .and_then(|t| t.shape().last().copied())
        .unwrap_or(0);
    let mut sums = vec![0i64; channels];
    let mut rows = 0usize;
    for tensor in tensors {
        match tensor.data() {
            Data::I8(v) => add(&mut sums, v),
            Data::U8(v) => add(&mut sums, v),
            _ => return Vec::new(),
        }
        rows += tensor.len() / channels.max(1);
    }
    let real = |s: &i64| {
        (*s as f64 / rows.max(1) as f64 - f64::from(q.zero_point())) * f64::from(q.scale())
    };
    sums.iter().map(real).collect()
}

fn add<T: Copy + Into<i64>>(sums: &mut [i64], v: &[T]) {
    for row in v.chunks_exact(sums.len().max(1)) {
        for (s, &q) in sums.iter_mut().zip(row) {
            *s += q.into();
        }
    }
}
