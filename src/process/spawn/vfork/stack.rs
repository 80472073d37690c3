//! Owns the stack on which a child runs until its exec: one for each thread that starts processes, with a guard page below
//! it, so that code that needs too much of it ends the child and does not overwrite this process's memory.

use std::cell::RefCell;
use std::ffi::c_void;
use std::io;
use std::ptr::null_mut;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use rustix::param::page_size;

/// Bytes of the stack: some 20 times what the child needs. Pages that are not touched take no memory.
const SIZE: usize = 64 * 1024;

thread_local! {
    static STACK: RefCell<Option<Stack>> = const { RefCell::new(None) };
}

/// Calls `use_it` with the top of this thread's stack, aligned to a page. Nothing else uses the stack meanwhile.
///
/// # Errors
/// If there is no memory for it.
pub(super) fn with<T>(use_it: impl FnOnce(*mut c_void) -> T) -> io::Result<T> {
    STACK.with_borrow_mut(|stack| {
        let stack = match stack {
            Some(stack) => stack,
            None => stack.insert(Stack::new()?),
        };
        Ok(use_it(stack.top()))
    })
}

/// A mapping: the guard page, then the stack.
struct Stack {
    base: *mut c_void,
    length: usize,
}

impl Stack {
    fn new() -> io::Result<Stack> {
        let length = page_size() + SIZE.next_multiple_of(page_size());
        // SAFETY: a new anonymous mapping at an address of the system's choice touches nothing that exists.
        let base = unsafe { mmap_anonymous(null_mut(), length, ProtFlags::empty(), MapFlags::PRIVATE)? };
        let stack = Stack { base, length };
        let above_guard = base.wrapping_byte_add(page_size());
        // SAFETY: the range lies within the mapping just made, and nothing points into it yet.
        unsafe { mprotect(above_guard, length - page_size(), MprotectFlags::READ | MprotectFlags::WRITE)? };
        Ok(stack)
    }

    fn top(&self) -> *mut c_void {
        self.base.wrapping_byte_add(self.length)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no child runs on it: `with` borrows it while one does. If it stays, that is a
        // loss of address space only.
        let _ = unsafe { munmap(self.base, self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_page_lies_below_the_stack() {
        let top = with(|top| top as usize).unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let rights_at = |address: usize| {
            maps.lines().find_map(|line| {
                let (range, rest) = line.split_once(' ')?;
                let (begin, end) = range.split_once('-')?;
                let number = |text| usize::from_str_radix(text, 16).ok();
                (number(begin)?..number(end)?).contains(&address).then(|| rest.split(' ').next())?
            })
        };
        assert_eq!(rights_at(top - 1), Some("rw-p"));
        assert_eq!(rights_at(top - SIZE), Some("rw-p"));
        assert_eq!(rights_at(top - SIZE - 1), Some("---p"), "{maps}");
    }
}
