//! Hands inputs to a target, as when a finding is looked at: `cargo run -p shoal-fuzz --example one TARGET FILE…`.

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().expect("the name of a target");
    let target = shoal_fuzz::find(&name).expect("a target of that name");
    for file in arguments {
        (target.run)(&std::fs::read(&file).expect("a file that can be read"));
        println!("{file}: holds");
    }
}
