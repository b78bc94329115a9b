//! HDF5 files that h5py wrote, and models of Keras, against what those libraries say they hold.

use tilewright_weights::{Kind, Layout, WeightFile};

use super::{check, fixture, holds, refused};

#[test]
fn what_h5py_writes() {
    check("arrays.h5", Kind::Hdf5);
    check("arrays_latest.h5", Kind::Hdf5);
    check("many.h5", Kind::Hdf5);
    let notes = super::open("arrays.h5").notes().join("\n");
    assert!(notes.contains("hold no numbers: words"), "{notes}");
    let error = refused("chunks_latest.h5", None);
    assert!(error.contains("libver='earliest'"), "{error}");
}

/// `conv2d` is the second convolution by name and the first by class and number: the description tells them apart.
#[test]
fn models_of_keras() {
    for (name, kind) in [("net.keras", Kind::Keras), ("net.h5", Kind::Hdf5)] {
        let laid = WeightFile::open_with(&fixture(name), None, Layout::Keras).unwrap();
        assert_eq!(laid.kind(), kind);
        holds(&laid, name);
    }
    let raw = super::open("net.keras");
    assert!(raw.entries().any(|(path, _, shape)| path == "layers/conv2d/vars/0" && shape == [3, 2, 2, 3]));
    for (name, said) in [("arrays.h5", "without the model's description"), ("views.pt", "no layers of Keras")]
    {
        let error =
            WeightFile::open_with(&fixture(name), None, Layout::Keras).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
