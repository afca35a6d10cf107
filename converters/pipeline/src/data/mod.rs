//! Samples for calibration and evaluation: .npz, folders of .npy, folders of images with a preprocessing description.
