//! Checked mode: poison for new buffers, a sentinel behind each, and the search for sentinels that have changed.

use crate::{
    error::{Error, Result},
    gpu::Gpu,
    lock::lock,
    mapping::map_blocking,
};

/// Bytes behind each buffer in checked mode.
pub(crate) const GUARD_BYTES: u64 = 256;
/// A quiet NaN: what a kernel forgets to write shows in every comparison.
const POISON: u32 = 0x7fc0_dead;
const SENTINEL: u32 = 0xa5a5_5a5a;
/// Retired buffers wait for verification; this many force one.
pub(crate) const QUARANTINE: usize = 256;

/// The bytes that a new buffer of `class` bytes starts with, of which `size` are the caller's.
pub(crate) fn pattern(size: u64, class: u64) -> Vec<u8> {
    let words = (class / 4) as usize;
    let data = size.div_ceil(4) as usize;
    let mut bytes = Vec::with_capacity(words * 4);
    for at in 0..words {
        let word = if at < data.next_multiple_of(4) { POISON } else { SENTINEL };
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Fails if a sentinel behind one of `buffers` (with their logical sizes) has changed.
pub(crate) fn verify(gpu: &Gpu, buffers: &[(wgpu::Buffer, u64)]) -> Result<()> {
    if buffers.is_empty() {
        return Ok(());
    }
    let staging = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("tilewright guards"),
        size: buffers.len() as u64 * GUARD_BYTES,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    for (slot, (raw, _)) in buffers.iter().enumerate() {
        let from = raw.size() - GUARD_BYTES;
        encoder.copy_buffer_to_buffer(raw, from, &staging, slot as u64 * GUARD_BYTES, Some(GUARD_BYTES));
    }
    let submitted = gpu.queue.submit([encoder.finish()]);
    let bytes = map_blocking(gpu, &staging, Some(submitted))?;
    for (slot, (_, size)) in buffers.iter().enumerate() {
        let at = slot * GUARD_BYTES as usize;
        let intact =
            bytes[at..at + GUARD_BYTES as usize].chunks_exact(4).all(|word| word == SENTINEL.to_le_bytes());
        if !intact {
            return Err(Error::StrayWrite { bytes: *size });
        }
    }
    Ok(())
}

/// Verifies the sentinels of retired buffers, once all that uses them is submitted, and puts them back into the pool.
pub(crate) fn release_quarantine(gpu: &Gpu) -> Result<()> {
    let waiting = std::mem::take(&mut *lock(&gpu.quarantine));
    let outcome = verify(gpu, &waiting);
    let mut pool = lock(&gpu.pool);
    for (raw, _) in waiting {
        pool.put(raw);
    }
    outcome
}
