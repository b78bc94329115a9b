//! `transpose`: copies between memories that run along different axes.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    device::{Device, DeviceClass},
    magic::{magic, to_numerator},
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
    strided::{MAX_RANK, Strided},
};

params! { Params for "transpose" {
    shape: [u32; 8],
    magic: [u32; 8],
    shift: [u32; 8],
    x_strides: [u32; 8],
    y_strides: [u32; 8],
    f: u32,
    u: u32,
    x_step: u32,
    y_step: u32,
    x_offset: u32,
    y_offset: u32,
    by_f: [u32; 2],
    by_u: [u32; 2],
    teams_f: u32,
    teams_u: u32,
    teams: u32,
    never: u32,
    pad1: u32,
    pad2: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// How threads share the tiles.
struct Teams {
    team: u32,
    fast: u32,
    turns: u32,
    along_f: bool,
    ahead: bool,
}

impl Teams {
    /// Steps of a team on a CPU: enough to be worth its start, few enough that small tensors keep all cores busy.
    const STEPS: u32 = 32;

    fn new(device: Device, f_quads: u32, u_quads: u32, x_step: u32, y_step: u32) -> Self {
        match device.class {
            DeviceClass::Gpu => Self {
                team: WORKGROUP,
                fast: f_quads.next_power_of_two().min(8),
                turns: 1,
                along_f: false,
                ahead: false,
            },
            DeviceClass::SoftwareVulkan => {
                let team = device.lanes;
                // Two neighbours along f make half a cache line of y, and the others a whole one of x.
                // Rows of y that lie whole pages apart share a set of the first cache, which holds few of them.
                let crowded = y_step.is_multiple_of(256);
                // Nothing is left of a line when the walk comes back, so that it is written at once by all lanes along f.
                // That reads a short piece of many rows in turn: where these follow each other, all are read ahead.
                if crowded && x_step == u_quads && u_quads <= Self::STEPS && f_quads >= team {
                    return Self { team, fast: team, turns: u_quads, along_f: false, ahead: true };
                }
                let along_f = f_quads > u_quads && !crowded;
                let fast = match f_quads.next_power_of_two().min(if crowded { 4 } else { 2 }) {
                    // Lanes that find nothing along u go along f.
                    fast if along_f => fast.max(team / u_quads.next_power_of_two().min(team)),
                    fast => fast,
                };
                let (walked, threads) = if along_f { (f_quads, fast) } else { (u_quads, team / fast) };
                Self {
                    team,
                    fast,
                    turns: walked.div_ceil(threads).clamp(1, Self::STEPS),
                    along_f,
                    ahead: false,
                }
            }
        }
    }
}

/// Launches the kernel if `index` is made of whole 4×4 tiles, and says whether it did.
pub(super) fn transpose(
    context: &Context,
    op: &str,
    x: &Buffer,
    x_offset: usize,
    y: &Buffer,
    y_offset: usize,
    index: &Strided,
) -> Result<bool> {
    let Strided { shape, first, second } = index;
    let along = |strides: &[isize], other: &[isize]| {
        (0..shape.len()).find(|&axis| strides[axis] == 1 && other[axis] != 1)
    };
    let (Some(f), Some(u)) = (along(second, first), along(first, second)) else { return Ok(false) };
    let whole = |number: isize| number % 4 == 0;
    let fits = whole(shape[f] as isize)
        && whole(shape[u] as isize)
        && (0..shape.len())
            .all(|axis| (axis == u || whole(first[axis])) && (axis == f || whole(second[axis])))
        && whole(x_offset as isize)
        && whole(y_offset as isize)
        && shape.len() - 2 <= MAX_RANK;
    if !fits {
        return Ok(false);
    }
    let quad = |stride: isize| (stride / 4) as u32;
    let (f_quads, u_quads) = (to_u32(op, shape[f] / 4)?, to_u32(op, shape[u] / 4)?);
    let Teams { team, fast, turns, along_f, ahead } =
        Teams::new(Device::of(context), f_quads, u_quads, quad(first[f]), quad(second[u]));
    let (turns_f, turns_u) = if along_f { (turns, 1) } else { (1, turns) };
    let teams_f = f_quads.div_ceil(fast * turns_f);
    let teams_u = u_quads.div_ceil(team / fast * turns_u);
    let mut params = Params {
        shape: [1; 8],
        magic: [0; 8],
        shift: [0; 8],
        x_strides: [0; 8],
        y_strides: [0; 8],
        f: f_quads,
        u: u_quads,
        x_step: quad(first[f]),
        y_step: quad(second[u]),
        x_offset: to_u32(op, x_offset / 4)?,
        y_offset: to_u32(op, y_offset / 4)?,
        by_f: magic(teams_f),
        by_u: magic(teams_u),
        teams_f,
        teams_u,
        teams: 0,
        never: 0,
        pad1: 0,
        pad2: 0,
    };
    let others = (0..shape.len()).filter(|&axis| axis != f && axis != u);
    let (mut rank, mut teams) = (0, teams_f as usize * teams_u as usize);
    for axis in others {
        params.shape[rank] = to_u32(op, shape[axis])?;
        [params.magic[rank], params.shift[rank]] = magic(params.shape[rank]);
        params.x_strides[rank] = quad(first[axis]);
        params.y_strides[rank] = quad(second[axis]);
        teams *= shape[axis];
        rank += 1;
    }
    if rank == 0 {
        // One axis of extent 1: a kernel has at least one.
        [params.magic[0], params.shift[0]] = magic(1);
        rank = 1;
    }
    params.teams = to_numerator(op, teams)?;
    let threads = to_u32(op, teams.saturating_mul(team as usize))?;
    let kernel = Specialisation::new("transpose")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("TEAM", team)
        .with_u32("FAST", fast)
        .with_u32("TURNS", turns)
        .with_bool("ALONG_F", along_f)
        .with_bool("AHEAD", ahead)
        .with_u32("RANK", rank as u32);
    let params = bytemuck::bytes_of(&params);
    let dispatch = Dispatch { op, params, buffers: &[x, y], groups: workgroups(threads) };
    context.dispatch(&kernel, &dispatch)?;
    Ok(true)
}
