//! A decoded plan holds what the plan says record by record.

mod sample;

use redpoll_plan::{Bytes, Decoded, Place, Plan, TensorId};
use sample::{Aligned, builder};

#[test]
fn steps_and_tensors_are_those_of_the_plan() {
    let bytes = Aligned::new(&builder().finish().unwrap());
    let plan = Plan::from_bytes(&bytes).unwrap();
    let decoded = Decoded::new(plan);
    assert!(plan.steps().eq(decoded.steps().iter().copied()));
    for id in (0..plan.tensor_count() as u32).map(TensorId) {
        let (tensor, located) = (plan.tensor(id).unwrap(), decoded.locate(id).unwrap());
        assert_eq!(located.dtype, tensor.dtype);
        match (tensor.place, located.bytes) {
            (Place::Weights(_), Bytes::Constant(bytes)) => {
                assert_eq!(Some(bytes), plan.weights(&tensor));
            }
            (Place::Arena(at) | Place::State(at), Bytes::Working(start, end)) => {
                assert_eq!((start, end), (at as usize, at as usize + tensor.bytes()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(decoded.locate(TensorId(plan.tensor_count() as u32)), None);
}
