//! Einsum: every shape of equation, with both operands at run time and with the second one constant.

use redpoll_graph::{Data, Tensor};
use redpoll_tests::build::{Random, tensor};
use redpoll_tests::one_node::{Case, Operand};
use redpoll_tests::onnx::ort_is_present;

/// Numbers above zero: nothing cancels, so that the result's magnitude is that of its terms.
fn positive(random: &mut Random, shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    let data = (0..count).map(|_| random.float(1.0).abs() + 0.1).collect();
    tensor(shape, Data::F32(data))
}

#[test]
fn equations() {
    let with_ort = ort_is_present();
    let cases: [(&str, &[&[usize]]); 22] = [
        ("ij->ji", &[&[3, 4]]),
        ("ij->i", &[&[3, 4]]),
        ("ij->", &[&[3, 4]]),
        ("i,i", &[&[5], &[5]]),
        ("i,j->ij", &[&[5], &[3]]),
        ("ij,jk", &[&[3, 4], &[4, 5]]),
        ("ij,jk->ki", &[&[3, 4], &[4, 5]]),
        ("bij,bjk->bik", &[&[2, 3, 4], &[2, 4, 5]]),
        ("btgi,gih->btgh", &[&[1, 5, 8, 4], &[8, 4, 6]]),
        ("bhid,bhjd->bhij", &[&[1, 2, 3, 4], &[1, 2, 5, 4]]),
        ("...ii->...i", &[&[3, 5, 5]]),
        ("ii->", &[&[4, 4]]),
        ("...ij,...jk->...ik", &[&[2, 3, 4], &[2, 4, 5]]),
        ("...ij,...jk->...ik", &[&[2, 3, 4], &[4, 5]]),
        ("...ij,...jk", &[&[1, 3, 4], &[6, 4, 5]]),
        ("ij,ij->i", &[&[3, 4], &[3, 4]]),
        ("ijk,k->ij", &[&[2, 3, 4], &[4]]),
        ("ab,bc,cd->ad", &[&[2, 3], &[3, 4], &[4, 5]]),
        ("abc,cd->ad", &[&[2, 3, 4], &[4, 5]]),
        ("ij,kl->il", &[&[2, 3], &[4, 5]]),
        ("bchw,bkc->bkhw", &[&[2, 4, 3, 3], &[2, 5, 4]]),
        (" i j , j k -> i k ", &[&[3, 4], &[4, 5]]),
    ];
    for (equation, shapes) in cases {
        for constant in [false, true] {
            let mut random = Random::new(equation.len() as u64);
            let mut case = Case::new("Einsum");
            case.node = case.node.with_string("equation", equation);
            for (i, shape) in shapes.iter().enumerate() {
                let tensor = positive(&mut random, shape);
                let fixed = constant && i == 1;
                case.operands.push(match fixed {
                    true => Operand::Constant(tensor),
                    false => Operand::Input(tensor),
                });
            }
            if constant && shapes.len() < 2 {
                continue;
            }
            // ONNX Runtime refuses an ellipsis that stands for fewer axes in one operand than in another.
            let uneven = equation.starts_with("...")
                && shapes.len() > 1
                && shapes[0].len() != shapes[1].len();
            let what = format!("{equation} constant: {constant}");
            case.check(&what, 1e-6, with_ort && !uneven);
        }
    }
}
