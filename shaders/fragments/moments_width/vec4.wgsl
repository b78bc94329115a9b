alias T = vec4<f32>;
const WIDTH: u32 = 4u;

fn split(v: T) -> array<f32, WIDTH> {
    return array<f32, WIDTH>(v.x, v.y, v.z, v.w);
}
