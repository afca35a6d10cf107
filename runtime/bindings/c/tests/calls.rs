//! The C functions called as C would: a run, and every mistake that a caller can make.

use std::ffi::{CStr, CString, c_void};
use std::ptr::{null, null_mut};

use redpoll_c::redpoll_status::*;
use redpoll_c::*;
use redpoll_plan::{DType, Op, PlanBuilder, Shape, Tensor, op};

/// y = |x|, four elements.
fn plan() -> Vec<u8> {
    let mut builder = PlanBuilder::new();
    let shape = Shape::new(&[1, 4]).unwrap();
    let x = builder.add_tensor("x", Tensor::arena(DType::F32, shape, 0));
    let y = builder.add_tensor("y", Tensor::arena(DType::F32, shape, 64));
    let abs = op::UnaryF32 {
        function: op::Unary::Abs,
        x,
        y,
        alpha: 0.0,
        beta: 0.0,
    };
    builder.add_step("abs", Op::UnaryF32(abs), 0, 0);
    builder.add_input("x", x);
    builder.add_output("y", y);
    builder.set_arena_bytes(128);
    builder.finish().unwrap()
}

fn message() -> String {
    // SAFETY: never null and ended by a zero byte.
    unsafe { CStr::from_ptr(redpoll_last_error()) }
        .to_string_lossy()
        .into_owned()
}

struct Open(*mut redpoll_session);

impl Open {
    fn new() -> Self {
        let (bytes, mut session) = (plan(), null_mut());
        // SAFETY: the slice is readable and `session` may be written.
        let status = unsafe { redpoll_load(bytes.as_ptr(), bytes.len(), null(), &mut session) };
        assert_eq!(status, REDPOLL_OK, "{}", message());
        Self(session)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: open, and not used again.
        unsafe { redpoll_close(self.0) };
    }
}

#[test]
fn a_run_in_place_and_by_copies() {
    let open = Open::new();
    let session = open.0;
    let x = [-2.0f32, -1.0, 0.0, 3.0];
    // SAFETY: the session is open; all pointers are to locals of the right sizes.
    unsafe {
        assert_eq!(redpoll_input_count(session), 1);
        assert_eq!(redpoll_output_count(session), 1);
        assert_eq!(redpoll_arena_bytes(session), 128);
        assert_eq!(redpoll_threads(session), 1);
        assert!(!CStr::from_ptr(redpoll_tier(session)).is_empty());
        let mut info = std::mem::zeroed();
        assert_eq!(redpoll_input_info(session, 0, &mut info), REDPOLL_OK);
        assert_eq!(CStr::from_ptr(info.name), c"x");
        assert_eq!(info.dtype, redpoll_dtype::REDPOLL_F32);
        assert_eq!(std::slice::from_raw_parts(info.dims, info.rank), [1, 4]);
        assert_eq!(info.bytes, 16);

        assert_eq!(
            redpoll_set_input(session, 0, x.as_ptr().cast(), 16),
            REDPOLL_OK
        );
        assert_eq!(redpoll_run(session), REDPOLL_OK);
        let (mut data, mut bytes) = (null::<c_void>(), 0);
        assert_eq!(
            redpoll_output_data(session, 0, &mut data, &mut bytes),
            REDPOLL_OK
        );
        let y = std::slice::from_raw_parts(data.cast::<f32>(), bytes / 4);
        assert_eq!(y, [2.0, 1.0, 0.0, 3.0]);

        let mut place = null_mut::<c_void>();
        assert_eq!(
            redpoll_input_data(session, 0, &mut place, null_mut()),
            REDPOLL_OK
        );
        place
            .cast::<f32>()
            .copy_from([5.0, -6.0, 7.0, -8.0].as_ptr(), 4);
        assert_eq!(redpoll_run(session), REDPOLL_OK);
        let y = std::slice::from_raw_parts(data.cast::<f32>(), 4);
        assert_eq!(y, [5.0, 6.0, 7.0, 8.0]);
    }
}

#[test]
fn mistakes_are_statuses_with_messages() {
    let open = Open::new();
    let session = open.0;
    let x = [0.0f32; 4];
    // SAFETY: pointers are null where that is what is tried, else to locals of the right sizes.
    unsafe {
        assert_eq!(redpoll_run(session), REDPOLL_NOT_SET);
        assert!(message().contains("\"x\""), "{}", message());
        assert_eq!(
            redpoll_set_input(session, 0, x.as_ptr().cast(), 15),
            REDPOLL_LENGTH
        );
        assert!(message().contains("16 bytes, got 15"), "{}", message());
        assert_eq!(
            redpoll_set_input(session, 1, x.as_ptr().cast(), 16),
            REDPOLL_NO_SUCH_TENSOR
        );
        assert_eq!(redpoll_set_input(session, 0, null(), 16), REDPOLL_ARGUMENT);
        assert_eq!(
            redpoll_input_data(session, 0, null_mut(), null_mut()),
            REDPOLL_ARGUMENT
        );
        assert_eq!(redpoll_input_info(session, 0, null_mut()), REDPOLL_ARGUMENT);
        assert_eq!(
            redpoll_output_data(session, 9, &mut null(), null_mut()),
            REDPOLL_NO_SUCH_TENSOR
        );
        let mut index = 77;
        assert_eq!(
            redpoll_find_output(session, c"z".as_ptr(), &mut index),
            REDPOLL_NO_SUCH_TENSOR
        );
        assert!(message().contains("there are: y"), "{}", message());
        assert_eq!(
            redpoll_find_output(session, c"y".as_ptr(), &mut index),
            REDPOLL_OK
        );
        assert_eq!(index, 0);
        assert_eq!(
            redpoll_find_input(session, c"\xff".as_ptr(), &mut index),
            REDPOLL_ARGUMENT
        );

        assert_eq!(redpoll_run(null_mut()), REDPOLL_ARGUMENT);
        assert!(message().contains("`session` is null"), "{}", message());
        assert_eq!(redpoll_input_count(null()), 0);
        redpoll_close(null_mut());
    }
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let mut session = null_mut();
    let good = plan();
    let tier = CString::new("avx9").unwrap();
    // SAFETY: all pointers are null where that is what is tried, else valid.
    unsafe {
        assert_eq!(
            redpoll_open(c"no/such.plan".as_ptr(), null(), &mut session),
            REDPOLL_IO
        );
        assert!(session.is_null() && message().contains("no/such.plan"));
        assert_eq!(redpoll_open(null(), null(), &mut session), REDPOLL_ARGUMENT);
        assert_eq!(
            redpoll_load(c"junk".as_ptr().cast(), 4, null(), &mut session),
            REDPOLL_PLAN
        );
        assert_eq!(
            redpoll_load(null(), 4, null(), &mut session),
            REDPOLL_ARGUMENT
        );
        assert_eq!(
            redpoll_load(good.as_ptr(), good.len(), null(), null_mut()),
            REDPOLL_ARGUMENT
        );
        let mut options = redpoll_options_default();
        options.tier = tier.as_ptr();
        assert_eq!(
            redpoll_load(good.as_ptr(), good.len(), &options, &mut session),
            REDPOLL_TIER
        );
        options = redpoll_options_default();
        options.memory_limit_bytes = 127;
        assert_eq!(
            redpoll_load(good.as_ptr(), good.len(), &options, &mut session),
            REDPOLL_MEMORY
        );
        options = redpoll_options {
            threads: 2,
            memory_limit_bytes: 0,
            tier: null(),
        };
        assert_eq!(
            redpoll_load(good.as_ptr(), good.len(), &options, &mut session),
            REDPOLL_OK
        );
        assert_eq!(redpoll_threads(session), 2);
        redpoll_close(session);
    }
}

#[test]
fn the_message_is_the_threads_own() {
    // SAFETY: null is what is tried.
    assert_eq!(unsafe { redpoll_run(null_mut()) }, REDPOLL_ARGUMENT);
    let elsewhere = std::thread::spawn(message).join().unwrap();
    assert_eq!(elsewhere, "");
    assert!(!message().is_empty());
}

/// The whole numbers of an input are the elements found, at most four, and how many there are.
fn found() -> Vec<u8> {
    let mut builder = PlanBuilder::new();
    let shape = |dims: &[u32]| Shape::new(dims).unwrap();
    let x = builder.add_tensor("x", Tensor::arena(DType::F32, shape(&[4, 2]), 0));
    let n = builder.add_tensor("n", Tensor::arena(DType::I64, shape(&[1]), 64));
    let y = builder.add_tensor("y", Tensor::arena(DType::F32, shape(&[4, 2]), 128));
    let abs = op::UnaryF32 {
        function: op::Unary::Abs,
        x,
        y,
        alpha: 0.0,
        beta: 0.0,
    };
    builder.add_step("abs", Op::UnaryF32(abs), 0, 0);
    builder.add_input("x", x);
    builder.add_input("n", n);
    builder.add_output("y", y);
    builder.add_output("y.length", n);
    builder.set_metadata(redpoll_plan::SIZES, "0 0 1");
    builder.set_arena_bytes(192);
    builder.finish().unwrap()
}

#[test]
fn sizes_that_depend_on_data_are_those_of_the_run() {
    let (bytes, mut session) = (found(), null_mut());
    let x = [-1.0f32, 2.0, -3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    // SAFETY: the session is open; all pointers are to locals of the right sizes.
    unsafe {
        let status = redpoll_load(bytes.as_ptr(), bytes.len(), null(), &mut session);
        assert_eq!(status, REDPOLL_OK, "{}", message());
        let open = Open(session);
        assert_eq!(redpoll_output_count(open.0), 1);
        for (found, rows) in [(2i64, 2usize), (0, 0), (9, 4), (-1, 0)] {
            assert_eq!(
                redpoll_set_input(open.0, 0, x.as_ptr().cast(), 32),
                REDPOLL_OK
            );
            let n: *const i64 = &found;
            assert_eq!(
                redpoll_set_input(open.0, 1, n.cast::<c_void>(), 8),
                REDPOLL_OK
            );
            assert_eq!(redpoll_run(open.0), REDPOLL_OK, "{}", message());
            let (mut dims, mut data, mut bytes) = ([0; 2], null(), 0);
            let written = dims.as_mut_ptr();
            assert_eq!(redpoll_output_dims(open.0, 0, written, 2), REDPOLL_OK);
            assert_eq!(
                redpoll_output_data(open.0, 0, &mut data, &mut bytes),
                REDPOLL_OK
            );
            assert_eq!((dims, bytes), ([rows, 2], rows * 8));
            assert_eq!(redpoll_output_dims(open.0, 0, written, 1), REDPOLL_LENGTH);
            assert!(
                message().contains("has 2 dimensions, not 1"),
                "{}",
                message()
            );
            assert_ne!(redpoll_output_dims(open.0, 1, written, 2), REDPOLL_OK);
            assert_ne!(redpoll_output_dims(open.0, 0, null_mut(), 2), REDPOLL_OK);
        }
    }
}
