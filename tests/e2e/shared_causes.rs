//! Owns the tests of what failing points have in common, and of the line of output that is shown for them.

use crate::common::Sandbox;

#[test]
fn failures_show_what_the_points_share_and_the_line_that_says_most() {
    for sandbox in Sandbox::both() {
        sandbox.write(
            "job.sh",
            "[ $1 = 16 ] && { echo \"Error in f($1) : size $1 is odd\" >&2; echo 'Execution halted' >&2; exit 1; }\n\
             [ ${2%.*} -ge 3 ] && { echo \"diverged at $2\"; exit 2; }\n\
             echo x = 1\n",
        );
        sandbox.write(
            "a.toml",
            "command = \"sh job.sh {{ size }} {{ temp }}\"\n[grid]\nsize = [8, 16, 32, 64]\ntemp = [1.0, 2.0, 3.0, 3.5]\n",
        );
        let ran = sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(1);
        // Six points of three sizes, and four of one.
        for told in
            ["commonest cause of failure, 6 points: exit code 2", "diverged at 3.0", "temp >= 3.0", "sweep show a-1/2"]
        {
            assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        }
        let ran = sandbox.sweep(&["failures", "a-1"]).code(0);
        for told in
            ["size 16 is odd", "all 4 have size = 16, and no point with it has succeeded", "all 6 have temp >= 3.0"]
        {
            assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
        }
        assert!(!ran.stdout.contains("Execution halted"), "{}", ran.stdout);
        let json = sandbox.sweep(&["failures", "a-1", "--json"]).code(0).json();
        let group = &json["groups"][1];
        assert_eq!(group["example_line"], "Error in f(16) : size 16 is odd");
        assert_eq!(group["last_line"], "Error in f(#) : size # is odd");
        assert_eq!(group["shared"][0]["parameter"], "size");
        assert_eq!(group["shared"][0]["value"], 16);
        // The command that is printed selects these points and no others.
        let retry: Vec<&str> =
            group["retry"].as_array().unwrap().iter().skip(1).map(|word| word.as_str().unwrap()).collect();
        let ran = sandbox.sweep(&retry).code(0);
        assert!(ran.stderr.contains('4'), "{}", ran.stderr);
    }
}
