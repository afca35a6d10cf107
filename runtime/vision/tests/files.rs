//! Damaged and hostile picture files give errors, in little memory.

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
