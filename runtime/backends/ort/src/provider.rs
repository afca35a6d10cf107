//! Execution providers: what the library can hand the work to besides the processor.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};
use redpoll_session::{Error, ErrorKind};

use crate::environment::environment;

/// An execution provider of ONNX Runtime.
///
/// ```
/// use redpoll_backend_ort::Provider;
/// let provider: Provider = "xnnpack".parse().unwrap();
/// assert_eq!(provider, Provider::Xnnpack);
/// assert!("abacus".parse::<Provider>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// ONNX Runtime's own kernels; every library has them.
    #[default]
    Cpu,
    /// XNNPACK: float and int8 kernels for Arm and x86.
    Xnnpack,
    /// Core ML of Apple systems.
    CoreMl,
    /// Neural Networks API of Android.
    Nnapi,
    /// Qualcomm AI Engine.
    Qnn,
    /// Intel OpenVINO.
    OpenVino,
    /// NVIDIA CUDA.
    Cuda,
    /// NVIDIA TensorRT.
    TensorRt,
    /// DirectML of Windows.
    DirectMl,
    /// WebGPU.
    WebGpu,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Cpu,
        Self::Xnnpack,
        Self::CoreMl,
        Self::Nnapi,
        Self::Qnn,
        Self::OpenVino,
        Self::Cuda,
        Self::TensorRt,
        Self::DirectMl,
        Self::WebGpu,
    ];

    /// The name that [`FromStr`] takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Xnnpack => "xnnpack",
            Self::CoreMl => "coreml",
            Self::Nnapi => "nnapi",
            Self::Qnn => "qnn",
            Self::OpenVino => "openvino",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
            Self::DirectMl => "directml",
            Self::WebGpu => "webgpu",
        }
    }

    /// Asks the loaded library.
    fn is_offered(self) -> ort::Result<bool> {
        match self {
            Self::Cpu => ep::CPU::is_available(),
            Self::Xnnpack => ep::XNNPACK::is_available(),
            Self::CoreMl => ep::CoreML::is_available(),
            Self::Nnapi => ep::NNAPI::is_available(),
            Self::Qnn => ep::QNN::is_available(),
            Self::OpenVino => ep::OpenVINO::is_available(),
            Self::Cuda => ep::CUDA::is_available(),
            Self::TensorRt => ep::TensorRT::is_available(),
            Self::DirectMl => ep::DirectML::is_available(),
            Self::WebGpu => ep::WebGPU::is_available(),
        }
    }

    /// As the crate wants it; `None` for the processor, which is always there.
    pub(crate) fn dispatch(self) -> Option<ExecutionProviderDispatch> {
        let built = match self {
            Self::Cpu => return None,
            Self::Xnnpack => ep::XNNPACK::default().build(),
            Self::CoreMl => ep::CoreML::default().build(),
            Self::Nnapi => ep::NNAPI::default().build(),
            Self::Qnn => ep::QNN::default().build(),
            Self::OpenVino => ep::OpenVINO::default().build(),
            Self::Cuda => ep::CUDA::default().build(),
            Self::TensorRt => ep::TensorRT::default().build(),
            Self::DirectMl => ep::DirectML::default().build(),
            Self::WebGpu => ep::WebGPU::default().build(),
        };
        Some(built.error_on_failure())
    }

    /// An error that names what there is, when the loaded library does not offer this one.
    pub(crate) fn demand(self) -> Result<(), Error> {
        let offered = offered()?;
        if offered.contains(&self) {
            return Ok(());
        }
        let names: Vec<_> = offered.iter().map(|p| p.name()).collect();
        Err(Error::new(
            ErrorKind::Library,
            format!(
                "this library of ONNX Runtime was built without the execution provider {self}; it offers: {}",
                names.join(", ")
            ),
        ))
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == text)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|p| p.name()).collect();
                Error::new(
                    ErrorKind::Library,
                    format!(
                        "there is no execution provider \"{text}\"; known are: {}",
                        names.join(", ")
                    ),
                )
            })
    }
}

/// The execution providers that the library was built with. Whether the machine has what they need shows when a model is
/// loaded.
///
/// # Errors
///
/// [`ErrorKind::Library`] when it cannot be found or loaded.
pub fn providers(library: Option<&Path>) -> Result<Vec<Provider>, Error> {
    environment(library)?;
    offered()
}

fn offered() -> Result<Vec<Provider>, Error> {
    let mut offered = Vec::new();
    for provider in Provider::ALL {
        let asked = provider
            .is_offered()
            .map_err(|e| Error::new(ErrorKind::Library, format!("ONNX Runtime: {e}")))?;
        if asked {
            offered.push(provider);
        }
    }
    Ok(offered)
}
