//! Tensors of every element type from every field that may hold them, and tensors that lie.

use redpoll_onnx::proto::{DataLocation, Segment, TensorProto};
use redpoll_onnx::{DataType, ErrorKind, GraphBuilder, Model, ModelBuilder, TensorData};

fn decode(tensor: &TensorProto) -> redpoll_onnx::Result<TensorData> {
    let model: Model = ModelBuilder::new(17).build(GraphBuilder::new("g")).unwrap();
    model.tensor(tensor)
}

fn tensor(data_type: DataType, dims: &[i64]) -> TensorProto {
    TensorProto {
        name: "w".into(),
        data_type: data_type.to_onnx(),
        dims: dims.to_vec(),
        ..TensorProto::default()
    }
}

fn kind(tensor: &TensorProto) -> ErrorKind {
    let error = decode(tensor).unwrap_err();
    assert!(error.to_string().starts_with(r#"tensor "w": "#), "{error}");
    error.kind()
}

#[test]
fn typed_fields_equal_raw_bytes() {
    use DataType::*;
    type Fill = fn(&mut TensorProto);
    let cases: [(DataType, Fill, &[u8]); 15] = [
        (
            F32,
            |t| t.float_data = vec![1.0, -2.0],
            &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0],
        ),
        (
            F64,
            |t| t.double_data = vec![1.0, -2.0],
            &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0],
        ),
        (
            F16,
            |t| t.int32_data = vec![0x3c00, 0xc000],
            &[0, 0x3c, 0, 0xc0],
        ),
        (
            BF16,
            |t| t.int32_data = vec![0x3f80, 0xc000],
            &[0x80, 0x3f, 0, 0xc0],
        ),
        (I8, |t| t.int32_data = vec![1, -2], &[1, 0xfe]),
        (U8, |t| t.int32_data = vec![1, 254], &[1, 0xfe]),
        (I16, |t| t.int32_data = vec![1, -2], &[1, 0, 0xfe, 0xff]),
        (U16, |t| t.int32_data = vec![1, 65534], &[1, 0, 0xfe, 0xff]),
        (
            I32,
            |t| t.int32_data = vec![1, -2],
            &[1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff],
        ),
        (
            U32,
            |t| t.uint64_data = vec![1, 0xffff_fffe],
            &[1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff],
        ),
        (
            I64,
            |t| t.int64_data = vec![1, -2],
            &[
                1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ],
        ),
        (
            U64,
            |t| t.uint64_data = vec![1, 2],
            &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
        ),
        (Bool, |t| t.int32_data = vec![1, 0], &[1, 0]),
        (I4, |t| t.int32_data = vec![0xe1], &[0xe1]),
        (U4, |t| t.int32_data = vec![0xe1], &[0xe1]),
    ];
    for (data_type, fill, bytes) in cases {
        let mut typed = tensor(data_type, &[2]);
        fill(&mut typed);
        let mut raw = tensor(data_type, &[2]);
        raw.raw_data = Some(bytes.to_vec());
        let data = decode(&typed).unwrap();
        assert_eq!(data.bytes(), bytes, "{data_type}");
        assert_eq!(data, decode(&raw).unwrap(), "{data_type}");
        let want: [f32; 2] = match data_type {
            U8 => [1.0, 254.0],
            U16 => [1.0, 65534.0],
            U32 => [1.0, 4294967294.0],
            U64 => [1.0, 2.0],
            Bool => [1.0, 0.0],
            U4 => [1.0, 14.0],
            _ => [1.0, -2.0],
        };
        assert_eq!(data.to_f32(), want, "{data_type}");
        match data.to_i64() {
            Ok(values) => assert_eq!(values.iter().map(|&v| v as f32).collect::<Vec<_>>(), want),
            Err(e) => assert!(data_type.is_float() && e.kind() == ErrorKind::Unsupported),
        }
        assert_eq!(decode(&data.to_proto("w")).unwrap(), data);
        // One element too many for the shape.
        raw.dims = vec![1];
        typed.dims = vec![5];
        assert!(
            data_type.bits() == 4 || decode(&raw).is_err(),
            "{data_type}"
        );
        assert!(decode(&typed).is_err(), "{data_type}");
    }
}

#[test]
fn scalars_empty_tensors_and_odd_nibbles() {
    let mut scalar = tensor(DataType::F32, &[]);
    assert_eq!(
        kind(&scalar),
        ErrorKind::Malformed,
        "a scalar needs its element"
    );
    scalar.float_data = vec![3.0];
    assert_eq!(decode(&scalar).unwrap().count(), 1);
    let empty = decode(&tensor(DataType::I64, &[3, 0])).unwrap();
    assert_eq!((empty.count(), empty.dims()), (0, &[3, 0][..]));
    let mut odd = tensor(DataType::I4, &[3]);
    odd.raw_data = Some(vec![0x98, 0xf7]);
    assert_eq!(decode(&odd).unwrap().to_i64().unwrap(), [-8, -7, 7]);
}

#[test]
fn tensors_that_lie_are_errors() {
    let good = {
        let mut t = tensor(DataType::I8, &[2]);
        t.raw_data = Some(vec![0, 0]);
        t
    };
    let broken = |change: fn(&mut TensorProto)| {
        let mut t = good.clone();
        change(&mut t);
        kind(&t)
    };
    assert_eq!(broken(|t| t.dims = vec![-1]), ErrorKind::Malformed);
    assert_eq!(
        broken(|t| t.dims = vec![i64::MAX, i64::MAX]),
        ErrorKind::Malformed
    );
    assert_eq!(broken(|t| t.dims = vec![1 << 40]), ErrorKind::Malformed);
    assert_eq!(broken(|t| t.dims = vec![i64::MAX]), ErrorKind::Malformed);
    assert_eq!(broken(|t| t.int32_data = vec![0, 0]), ErrorKind::Malformed);
    assert_eq!(broken(|t| t.data_location = 7), ErrorKind::Malformed);
    assert_eq!(
        broken(|t| t.segment = Some(Segment::default())),
        ErrorKind::Unsupported
    );
    assert_eq!(broken(|t| t.data_type = 8), ErrorKind::Unsupported);
    assert_eq!(broken(|t| t.data_type = 0), ErrorKind::Unsupported);
    assert_eq!(broken(|t| t.data_type = -5), ErrorKind::Unsupported);
    assert_eq!(
        broken(|t| t.data_location = DataLocation::External as i32),
        ErrorKind::Malformed,
        "raw and external"
    );
    assert_eq!(
        broken(|t| {
            t.data_type = DataType::Bool.to_onnx();
            t.raw_data = Some(vec![0, 2]);
        }),
        ErrorKind::Malformed
    );
    let out_of_range = |data_type, value| {
        let mut t = tensor(data_type, &[1]);
        t.int32_data = vec![value];
        kind(&t)
    };
    assert_eq!(out_of_range(DataType::I8, 128), ErrorKind::Malformed);
    assert_eq!(out_of_range(DataType::U8, -1), ErrorKind::Malformed);
    assert_eq!(out_of_range(DataType::Bool, 2), ErrorKind::Malformed);
    assert_eq!(out_of_range(DataType::F16, 65536), ErrorKind::Malformed);
    let mut wide = tensor(DataType::U32, &[1]);
    wide.uint64_data = vec![1 << 32];
    assert_eq!(kind(&wide), ErrorKind::Malformed);
}

#[test]
fn data_made_in_memory_is_checked_too() {
    assert!(TensorData::from_f32(&[3], &[0.0]).is_err());
    assert!(TensorData::new(DataType::I4, &[3], vec![0; 2]).is_ok());
    assert!(TensorData::new(DataType::I8, &[usize::MAX, 2], Vec::new()).is_err());
    let large = TensorData::new(DataType::U64, &[1], vec![0xff; 8]).unwrap();
    assert_eq!(large.to_i64().unwrap_err().kind(), ErrorKind::Unsupported);
}
