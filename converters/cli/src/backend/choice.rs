//! The value of `--backend`.

use std::fmt;
use std::str::FromStr;

/// Execution provider of ONNX Runtime, and whether its own kernels may run what that does not take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuShare {
    /// `None` for ONNX Runtime's own kernels.
    pub provider: Option<String>,
    /// Given as `+cpu`.
    pub rest_on_cpu: bool,
}

/// An engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Our own.
    #[default]
    Native,
    /// tract.
    Tract,
    /// ONNX Runtime.
    Ort(CpuShare),
}

/// The names of execution providers that `ort:` takes.
const PROVIDERS: [&str; 10] = [
    "cpu", "xnnpack", "coreml", "nnapi", "qnn", "openvino", "cuda", "tensorrt", "directml",
    "webgpu",
];

impl Choice {
    /// The engine without its execution provider.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Tract => "tract",
            Self::Ort(_) => "ort",
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.engine())?;
        if let Self::Ort(share) = self
            && let Some(provider) = &share.provider
        {
            write!(f, ":{provider}")?;
            if share.rest_on_cpu {
                f.write_str("+cpu")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (engine, provider) = match text.split_once(':') {
            Some((engine, provider)) => (engine, Some(provider)),
            None => (text, None),
        };
        match (engine, provider) {
            ("native", None) => Ok(Self::Native),
            ("tract", None) => Ok(Self::Tract),
            ("ort", None) => Ok(Self::Ort(CpuShare::default())),
            ("ort", Some(text)) => {
                let (provider, rest_on_cpu) = match text.strip_suffix("+cpu") {
                    Some(provider) => (provider, true),
                    None => (text, false),
                };
                if !PROVIDERS.contains(&provider) {
                    return Err(format!(
                        "there is no execution provider \"{provider}\"; known are: {}",
                        PROVIDERS.join(", ")
                    ));
                }
                let provider = (provider != "cpu").then(|| provider.to_owned());
                Ok(Self::Ort(CpuShare {
                    rest_on_cpu: rest_on_cpu && provider.is_some(),
                    provider,
                }))
            }
            _ => Err(format!(
                "there is no backend \"{text}\"; give native, tract, ort or ort:PROVIDER"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_choices_are_one_to_one() {
        for text in ["native", "tract", "ort", "ort:xnnpack", "ort:cuda+cpu"] {
            assert_eq!(text.parse::<Choice>().unwrap().to_string(), text);
        }
        assert_eq!(
            "ort:cpu".parse::<Choice>().unwrap(),
            Choice::Ort(CpuShare::default())
        );
        for text in [
            "",
            "onnxruntime",
            "tract:cuda",
            "native:",
            "ort:",
            "ort:abacus",
            "ort:+cpu",
        ] {
            let message = text.parse::<Choice>().unwrap_err();
            assert!(message.len() > 20, "{text}: {message}");
        }
        #[cfg(feature = "ort")]
        for name in PROVIDERS {
            name.parse::<redpoll_backend_ort::Provider>().unwrap();
        }
        #[cfg(feature = "ort")]
        assert_eq!(PROVIDERS.len(), redpoll_backend_ort::Provider::ALL.len());
    }
}
