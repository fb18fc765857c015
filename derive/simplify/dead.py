"""What is not read."""

from __future__ import annotations

from derive.program import Program, tensors_read, with_statements


def drop_dead(program: Program) -> Program:
    """A statement that no output, update or requirement reads → nothing"""
    definitions = program.definitions
    needed = dict.fromkeys((*program.outputs, *(tensor for _, tensor in program.updates)))
    pending = [name for name in needed if name in definitions]
    while pending:
        for name in tensors_read(definitions[pending.pop()]):
            if name not in needed:
                needed[name] = None
                if name in definitions:
                    pending.append(name)
    return with_statements(program, (s for s in program.statements if s.name in needed))
