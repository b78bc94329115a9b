alias T = f32;
const WIDTH: u32 = 1u;

fn split(v: T) -> array<f32, WIDTH> {
    return array<f32, WIDTH>(v);
}
