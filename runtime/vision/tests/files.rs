//! Picture files: turned as they say, damaged and hostile ones, in little memory.
#![cfg(feature = "std")]

use redpoll_vision::{FileErrorKind, Picture};

/// A PNG of one colour whose header claims another size.
fn png(width: u32, height: u32) -> Vec<u8> {
    fn crc(bytes: &[u8]) -> u32 {
        let step = |c: u32| {
            if c & 1 == 1 {
                0xedb8_8320 ^ (c >> 1)
            } else {
                c >> 1
            }
        };
        !bytes
            .iter()
            .fold(!0, |c, &b| (0..8).fold(c ^ u32::from(b), |c, _| step(c)))
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8], data: &[u8]| {
        file.extend((data.len() as u32).to_be_bytes());
        let body = [name, data].concat();
        file.extend(&body);
        file.extend(crc(&body).to_be_bytes());
    };
    chunk(
        b"IHDR",
        &[
            &width.to_be_bytes()[..],
            &height.to_be_bytes(),
            &[8, 2, 0, 0, 0],
        ]
        .concat(),
    );
    // An empty zlib stream.
    chunk(b"IDAT", &[0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]);
    chunk(b"IEND", &[]);
    file
}

#[test]
fn bombs_are_refused_before_memory_is_taken() {
    for (w, h) in [(60_000, 60_000), (u32::MAX >> 1, 1), (16_384, 16_384)] {
        let e = Picture::from_bytes(&png(w, h)).unwrap_err();
        assert_eq!(e.kind(), FileErrorKind::TooLarge, "{w}×{h}: {e}");
        assert!(e.to_string().contains("16384"), "{e}");
    }
}

#[test]
fn damage_is_an_error_or_a_picture() {
    let whole = include_bytes!("vectors/exif6.jpg");
    for cut in 0..whole.len() {
        if let Ok(p) = Picture::from_bytes(&whole[..cut]) {
            assert_eq!((p.width(), p.height()), (16, 24));
        }
    }
    let mut state = 1u32;
    for _ in 0..2000 {
        let mut bytes = whole.to_vec();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % bytes.len();
            bytes[at] = state as u8;
        }
        let _ = Picture::from_bytes(&bytes);
    }
    let e = Picture::from_bytes(b"GIF89a and more").unwrap_err();
    assert_eq!(e.kind(), FileErrorKind::Picture);
    assert!(e.to_string().contains("JPEG, PNG and BMP"), "{e}");
    let e = Picture::open("no/such/file.png".as_ref()).unwrap_err();
    assert_eq!(e.kind(), FileErrorKind::Io);
    assert!(e.to_string().contains("no/such/file.png"), "{e}");
}

#[test]
fn what_is_saved_is_read() {
    let folder = std::env::temp_dir().join(format!("redpoll-picture-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let pixels: Vec<u8> = (0..5 * 3 * 3).map(|i| i * 5).collect();
    let picture = Picture::from_rgb(5, 3, pixels.clone()).unwrap();
    for name in ["a.png", "a.bmp"] {
        picture.save(&folder.join(name)).unwrap();
        assert_eq!(Picture::open(&folder.join(name)).unwrap().pixels(), pixels);
    }
    let jpeg = Picture::from_bytes(&picture.to_jpeg(90).unwrap()).unwrap();
    assert_eq!((jpeg.width(), jpeg.height()), (5, 3));
    assert!(picture.save(&folder.join("a.nothing")).is_err());
    assert!(Picture::from_rgb(5, 3, vec![0; 44]).is_none());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Pictures of squares, stored turned, look the same as the one stored upright.
#[test]
fn jpegs_are_turned_as_their_exif_says() {
    let colors = |bytes: &[u8]| {
        let picture = Picture::from_bytes(bytes).unwrap().to_rgb();
        let frame = picture.frame();
        let near = |p: [u8; 3]| p.map(|c| c > 127);
        let grid = |w: u32, h: u32| {
            (0..h)
                .flat_map(|y| (0..w).map(move |x| near(frame.pixel(x * 8 + 4, y * 8 + 4).unwrap())))
                .collect::<Vec<_>>()
        };
        (
            picture.width(),
            picture.height(),
            grid(picture.width() / 8, picture.height() / 8),
        )
    };
    let stored = [1, 2, 4, 3, 6, 7].map(|bits| [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0]);
    let pick = |order: [usize; 6]| order.map(|i| stored[i]).to_vec();
    assert_eq!(
        colors(include_bytes!("vectors/exif1.jpg")),
        (24, 16, pick([0, 1, 2, 3, 4, 5]))
    );
    assert_eq!(
        colors(include_bytes!("vectors/exif3.jpg")),
        (24, 16, pick([5, 4, 3, 2, 1, 0]))
    );
    assert_eq!(
        colors(include_bytes!("vectors/exif6.jpg")),
        (16, 24, pick([3, 0, 4, 1, 5, 2]))
    );
    assert_eq!(
        colors(include_bytes!("vectors/exif7.jpg")),
        (16, 24, pick([5, 2, 4, 1, 3, 0]))
    );
}

/// Where the file of `exif6.jpg` has its orientation: the tag, its type, its count, then the number.
fn orientation_at(file: &[u8]) -> usize {
    let tag = [0x01, 0x12, 0, 3, 0, 0, 0, 1];
    let big = file.windows(8).position(|w| w == tag);
    let little = [0x12, 0x01, 3, 0, 1, 0, 0, 0];
    big.or_else(|| file.windows(8).position(|w| w == little))
        .unwrap()
}

#[test]
fn exif_that_lies_turns_nothing() {
    let whole = include_bytes!("vectors/exif6.jpg");
    let at = orientation_at(whole);
    let stored = |bytes: &[u8]| {
        let picture = Picture::from_bytes(bytes).unwrap();
        (picture.width(), picture.height())
    };
    assert_eq!(stored(whole), (16, 24));
    // No such number; another type; a count of four thousand million; a tag that is not there.
    for (offset, value) in [
        (8, 0),
        (8, 9),
        (9, 0xff),
        (8, 0xff),
        (3, 2),
        (4, 0xff),
        (0, 0x7f),
    ] {
        let mut bytes = whole.to_vec();
        bytes[at + offset] = value;
        let size = stored(&bytes);
        assert!(
            size == (24, 16) || size == (16, 24),
            "{offset} {value}: {size:?}"
        );
    }
    // Offsets and counts of the whole block at random: always the same pixels, turned or not.
    let begin = whole.windows(4).position(|w| w == b"Exif").unwrap() + 6;
    let plain = include_bytes!("vectors/exif1.jpg");
    let mut state = 7u32;
    for _ in 0..3000 {
        let mut bytes = whole.to_vec();
        for _ in 0..2 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes[begin + (state >> 16) as usize % (at + 10 - begin)] = (state >> 8) as u8;
        }
        let picture = Picture::from_bytes(&bytes).unwrap();
        assert_eq!(
            picture.pixels(),
            Picture::from_bytes(plain).unwrap().pixels()
        );
    }
}

#[test]
fn giants_of_every_kind_are_refused() {
    let mut jpeg = include_bytes!("vectors/exif1.jpg").to_vec();
    let sof = jpeg
        .windows(4)
        .position(|w| w == [0xff, 0xc0, 0, 17])
        .unwrap();
    jpeg[sof + 5..sof + 9].fill(0xff);
    let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend(60_000u32.to_le_bytes());
    bmp.extend(60_000u32.to_le_bytes());
    bmp.extend([1, 0, 24, 0]);
    bmp.resize(100, 0);
    for (name, bytes) in [("jpeg", jpeg), ("bmp", bmp)] {
        let e = Picture::from_bytes(&bytes).unwrap_err();
        assert_eq!(e.kind(), FileErrorKind::TooLarge, "{name}: {e}");
    }
}
