//! `tilewright devices`.

use tilewright_runtime::adapters;

use super::print_json;
use crate::Result;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let all = adapters();
    if arguments.json {
        print_json(&all);
        return Ok(());
    }
    if all.is_empty() {
        println!(
            "There is no adapter. Install a Vulkan driver; on Debian or Ubuntu without a GPU: make setup, or \
             apt-get install libvulkan1 mesa-vulkan-drivers"
        );
    }
    for adapter in all {
        let yes = |flag| if flag { "yes" } else { "no" };
        println!("{}: {} ({}, {})", adapter.index, adapter.name, adapter.backend, adapter.kind);
        println!("   driver             {} {}", adapter.driver, adapter.driver_info);
        let [least, most] = adapter.subgroup_size;
        println!("   subgroups          {} ({least} to {most})", yes(adapter.subgroups));
        println!("   f16                {}", yes(adapter.shader_f16));
        println!("   cooperative matrix {}", yes(adapter.cooperative_matrix));
        println!("   timestamps         {}", yes(adapter.timestamps));
        println!("   pipeline cache     {}", yes(adapter.pipeline_cache));
        let mib = |bytes: u64| bytes >> 20;
        println!("   storage binding    {} MiB", mib(adapter.max_storage_binding));
        println!("   buffer             {} MiB", mib(adapter.max_buffer));
        println!(
            "   workgroup          {} threads, {} KiB",
            adapter.max_workgroup_threads,
            adapter.max_workgroup_storage >> 10
        );
    }
    Ok(())
}
