//! Words on standard output.

/// Prints a line for whoever still reads: a closed pipe (`tilewright train | head`) must not end the training.
macro_rules! say {
    ($($words:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($words)*)));
    }};
}
pub(super) use say;
