//! Measure: accuracy of plans on samples, with the arithmetic that the device will run.
