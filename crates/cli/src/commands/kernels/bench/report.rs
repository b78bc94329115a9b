//! What `tilewright kernels bench` says of one operation: a table for people, or JSON.

use serde::Serialize;
use serde_json::json;
use tilewright_kernels::probe::Roofline;
use tilewright_runtime::Context;

use super::arguments::Arguments;
use crate::commands::output::print_json;

/// FLOPs and bytes of an operation: what the roof over it follows from.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub flops: u64,
    /// Operands read once, the result written once.
    pub bytes: u64,
}

/// An algorithm that cannot run the operation here, and why.
#[derive(Debug, Serialize)]
pub struct Absent {
    pub algorithm: &'static str,
    pub reason: &'static str,
}

/// One algorithm's result.
#[derive(Debug, Serialize)]
pub struct Row {
    pub algorithm: String,
    pub chosen: bool,
    /// max |difference| / max |expected| against the scalar reference.
    pub error: f64,
    pub median_ms: f64,
    pub min_ms: f64,
    pub gflops: f64,
    /// The part of the roof, min(peak, intensity · bandwidth), that the shortest run reaches; none without a probe.
    pub roof_share: Option<f64>,
}

pub fn report(
    arguments: &Arguments,
    context: &Context,
    what: &str,
    size: Size,
    (rows, absent): (&[Row], &[Absent]),
    roofline: Option<&Roofline>,
) {
    let info = context.adapter_info();
    let roof = roofline.map(|roofline| roofline.attainable(size.flops, size.bytes));
    if arguments.json {
        print_json(&json!({
            "what": what, "device": info.name, "driver": info.driver_info, "flops": size.flops,
            "bytes": size.bytes, "intensity": size.flops as f64 / size.bytes.max(1) as f64,
            "roof_gflops": roof, "rows": rows, "absent": absent,
        }));
        return;
    }
    println!("{what}");
    println!("{} ({})", info.name, info.driver_info);
    println!(
        "  {:<24} {:>10} {:>10} {:>10} {:>6} {:>10}",
        "algorithm", "median ms", "min ms", "GFLOP/s", "roof", "error"
    );
    for row in rows {
        let mark = if row.chosen { "*" } else { " " };
        let Row { algorithm, median_ms, min_ms, gflops, error, .. } = row;
        let share = row.roof_share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0));
        println!(
            "{mark} {algorithm:<24} {median_ms:>10.3} {min_ms:>10.3} {gflops:>10.2} {share:>6} {error:>10.1e}"
        );
    }
    for Absent { algorithm, reason } in absent {
        println!("  {algorithm:<24} not here: {reason}");
    }
    println!("* is what kernels::select picks");
    let intensity = size.flops as f64 / size.bytes.max(1) as f64;
    match roof {
        Some(roof) => println!(
            "roof: {roof:.1} GFLOP/s at {intensity:.1} FLOP a byte; the share is that of the shortest run"
        ),
        None => println!("`tilewright devices --probe` measures the roof that the kernels' share is of"),
    }
}
