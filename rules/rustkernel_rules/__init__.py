"""Rules about compilers for scons-rustkernel, which finds them in compiler_rules.toml beside this file."""
