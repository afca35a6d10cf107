//! Execution providers are those that the loaded library names; another one is an error that lists them.

use std::path::Path;

use redpoll_backend_ort::{Options, OrtSession, Provider, find, providers};
use redpoll_session::ErrorKind;

#[test]
fn a_provider_is_offered_or_an_error() {
    if let Err(e) = find(None) {
        println!("skipped: {e}");
        return;
    }
    let offered = providers(None).unwrap();
    assert!(offered.contains(&Provider::Cpu), "{offered:?}");
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/fashion/fashion.onnx");
    for provider in Provider::ALL {
        let options = Options::default().provider(provider);
        if offered.contains(&provider) {
            let rest = options.rest_on_cpu(true);
            // Offered by the library says nothing about the machine: an error, if any, is one about the model.
            if let Err(e) = OrtSession::open(&model, &rest) {
                assert_eq!(e.kind(), ErrorKind::Model, "{e}");
            }
            continue;
        }
        let error = OrtSession::open(&model, &options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Library, "{error}");
        let text = error.to_string();
        assert!(
            text.contains(provider.name()) && text.contains("offers: cpu"),
            "{text}"
        );
    }
}
