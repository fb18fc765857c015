"""What a walk through a derivation says, in English and Chinese: one row a phrase, the same names in both."""

from __future__ import annotations

LANGUAGES = ("en", "zh")

#: key -> (English, Chinese).
PHRASES: dict[str, tuple[str, str]] = {
    "title": ("{name}, step by step", "{name} 逐步推导"),
    # what is given
    "forward": ("the forward", "前向计算"),
    "forward says": (
        "The equations, the range of every letter, the shape of every input.",
        "方程、每个下标的取值范围、每个输入的形状。",
    ),
    "known and wanted": ("what is known, what is wanted", "已知与所求"),
    "known says": (
        "Some number L is computed from {outputs}. Known is how L moves with each of its elements; wanted is how "
        "L moves with each element of {wrt}.",
        "某个数 L 由 {outputs} 计算得到。已知 L 对其每个元素的导数；要求 L 对 {wrt} 每个元素的导数。",
    ),
    "known": ("known", "已知"),
    "backward order": (
        "L reaches {wrt} through {path}, so their gradients are found first, from the last to the first.",
        "L 通过 {path} 依赖于 {wrt}，因此先从后往前求出它们的梯度。",
    ),
    "kept": ("a forward value kept for the backward", "为反向保留的前向值"),
    "kept says": (
        "Which point gave the extreme, or the extreme itself, is found once in the forward and kept.",
        "取到极值的位置（或极值本身）在前向中求一次并保留。",
    ),
    # the chain rule
    "chain rule": ("{name} in {reader}: the chain rule", "{reader} 中的 {name}：链式法则"),
    "chain rule, one use": (
        "{name} in {reader}, use {n} of {all}: the chain rule",
        "{reader} 中的 {name}（第 {n} 处，共 {all} 处）：链式法则",
    ),
    "chain rule says": (
        "{name} is read in the equation of {reader}. From now on {targets} name one element of {name}, so the "
        "equation's own letters of the same name get a prime.",
        "{reader} 的方程读取了 {name}。现在用 {targets} 表示 {name} 的一个元素，方程中同名的下标加撇号以示区别。",
    ),
    "chain rule says, no clash": (
        "{name} is read in the equation of {reader}. From now on {targets} name one element of {name}.",
        "{reader} 的方程读取了 {name}。用 {targets} 表示 {name} 的一个元素。",
    ),
    "chain rule says, scalar": (
        "{name} is read in the equation of {reader}; it is a single number.",
        "{reader} 的方程读取了 {name}；它是一个数。",
    ),
    "local": ("the local derivative", "局部导数"),
    "local says": (
        "The derivative of one read by one element is 1 where its index is that element, and 0 elsewhere: "
        "[index = letter]. What the read is multiplied by is the rest.",
        "一次读取对一个元素求导：当下标正好是该元素时为 1，否则为 0，记作 [下标 = 字母]；其余因子照写。",
    ),
    "local says, no delta": (
        "No index has to match here, so no [index = letter] appears.",
        "这里没有需要匹配的下标，因此不出现 [下标 = 字母]。",
    ),
    "local part": (
        "{name} stands {n} times in this equation of {reader}; this is the part of one of them, and the parts add.",
        "{name} 在 {reader} 的这个方程中出现 {n} 次；这里是其中一处的部分，各部分相加。",
    ),
    "deltas": ("removing the brackets", "消去方括号"),
    "together": ("put into the chain rule", "代入链式法则"),
    "deltas says": (
        "A sum over a letter that a bracket determines has one term left: the letter's sum goes, the letter is "
        "replaced.",
        "若方括号确定了某个求和字母，则该求和只剩一项：去掉这个求和，并代入该字母的值。",
    ),
    "renamed one": (
        "{letters}: the sum over {gone} goes.",
        "{letters}：对 {gone} 的求和消失。",
    ),
    "solved": (
        "{letter}: its bracket is solved for it; the sum over {letter} goes, and only a whole number in range counts.",
        "{letter}：由方括号解出；对 {letter} 的求和消失，只保留取值范围内的整数解。",
    ),
    "solved new": (
        "{letter}: its bracket is solved with the help of {new}, which runs over what remains free.",
        "{letter}：借助新字母 {new} 由方括号解出，{new} 取遍剩余的自由度。",
    ),
    "stays": (
        "A bracket that asks about data, or fixes no letter of a sum, stays: it says which terms count.",
        "依赖数据的方括号，或不确定求和字母的方括号予以保留：它说明哪些项计入。",
    ),
    "nothing to remove": (
        "There is no sum to shorten: the bracket stays as it is.",
        "没有可以缩短的求和：方括号保持不变。",
    ),
    "several": ("the uses of {name} added up", "{name} 各处使用之和"),
    "several says": (
        "{name} is used {n} times; every use contributes, and contributions add.",
        "{name} 被使用 {n} 次；每处都有贡献，贡献相加。",
    ),
    "several output says": (
        "{name} is an output as well, so what L does with it directly is added.",
        "{name} 同时也是输出，因此还要加上 L 直接对它的导数。",
    ),
    # simplification
    "reused": ("forward values that are used again", "重复使用的前向值"),
    "reused says": (
        "The backward reads {names} of the forward; they are saved.",
        "反向需要前向的 {names}，故予以保存。",
    ),
    "reused inputs": ("Of the inputs, the backward reads {names}.", "反向需要输入 {names}。"),
    "substitutions": ("simplifying: earlier values said in later ones", "化简：用后面的量表示前面的量"),
    "substitutions says": (
        "The forward's equations, turned round: what it computes first is said in what it ends with.",
        "将前向方程反过来写：用最后得到的量表示先前的量。",
    ),
    "theorems": ("simplifying: sums that are known", "化简：已知的和"),
    "theorems says": (
        "The same substitution in the equations that are sums gives these theorems.",
        "把同样的代换用于求和方程，得到下列恒等式。",
    ),
    "change_basis": ("simplifying: change of basis", "化简：换基"),
    "change_basis says": (
        "The substitutions and theorems are put in, equal terms are collected, and common factors are taken out.",
        "代入上述代换与恒等式，合并同类项，提取公因子。",
    ),
    "vanish": ("simplifying: what is identically zero", "化简：恒为零的项"),
    "vanish says": ("What turns out to be zero for every input is dropped.", "对任意输入都为零的量被删去。"),
    "inline_unguarded": ("simplifying: short steps put in", "化简：代入中间量"),
    "inline_unguarded says": (
        "A gradient that is used once, or is short, is put in where it is read.",
        "只用一次或很短的中间梯度直接代入。",
    ),
    "inline": ("simplifying: the rest put in", "化简：代入其余中间量"),
    "inline says": ("The same for what stands under a condition.", "对带条件的量同样处理。"),
    "gone": ("No longer needed: {names}.", "不再需要：{names}。"),
    # results
    "closed": ("the closed form of {name}", "{name} 的最终公式"),
    "matrices": ("as matrices", "矩阵形式"),
    "matrices says": (
        "⊙ multiplies elementwise, 1 is a column of ones, a tensor of one index is a column.",
        "⊙ 为逐元素相乘，1 为全 1 列向量，一个下标的张量视为列向量。",
    ),
    "code": ("as NumPy", "NumPy 代码"),
    "code says": (
        "The lines of the generated backward (derive generate writes the whole file).",
        "生成的反向代码中的相应行（derive generate 可写出整个文件）。",
    ),
    "numbers": ("in numbers", "数值例子"),
    "numbers says": (
        "Left the formula, right the finite difference (L(x + h) − L(x − h)) / 2h of the forward alone.",
        "左边为公式的值，右边为仅用前向计算的差分 (L(x + h) − L(x − h)) / 2h。",
    ),
    "corner": ("the first {rows} × {columns} of shape {shape}", "形状 {shape} 的前 {rows} × {columns} 部分"),
    "no numbers": (
        "No small example was found that meets the definition's conditions.",
        "没有找到满足定义条件的小例子。",
    ),
    # special cases
    "cases": ("special cases", "特殊情形"),
    "case first": (
        "At a tie in {names}, the first of the equal values takes the gradient.",
        "{names} 出现并列时，梯度归第一个。",
    ),
    "case even": ("At a tie in {names}, equal values share the gradient evenly.", "{names} 出现并列时，梯度平均分配。"),
    "case product": (
        "{names}: each factor gets the product of the others, which is right at zeros too.",
        "{names}：每个因子得到其余因子之积，含零时也正确。",
    ),
    "case kink": (
        "Where {names} has a kink, the derivative is the one PyTorch takes (relu, abs: 0; max of equal values: "
        "half each; clamp at a bound: 1).",
        "{names} 在折点处取与 PyTorch 相同的导数（relu、abs 为 0；max 相等时各半；clamp 在边界为 1）。",
    ),
    "case stop": (
        "{names} passes no gradient there: it is wrapped in constant().",
        "{names} 处于 constant() 中，不传递梯度。",
    ),
    "case guard": (
        "{names}: only the branch that was taken gets a gradient; the other is not even read.",
        "{names}：只有被选中的分支得到梯度，另一分支不会被读取。",
    ),
    "case empty": (
        "{names}: an element that no term reaches has an empty sum, so its gradient is 0.",
        "{names}：没有任何项涉及的元素，其和为空，梯度为 0。",
    ),
    "case gather": (
        "{names}: an element that is looked up several times gets the sum, one never looked up gets 0.",
        "{names}：被多次取用的元素梯度相加，从未取用的为 0。",
    ),
    "case recurrence": (
        "{names}: the recurrence is walked backward; at its far end nothing comes from beyond.",
        "{names}：递推按相反方向进行；末端之外没有贡献。",
    ),
    "case zero": ("{names} is 0 for every input.", "{names} 对任意输入均为 0。"),
    "checked": ("checked", "检验"),
    "checked says": (
        "Every local derivative was compared with a difference quotient, every elimination with the form before it: "
        "{n} values, all equal. Every simplification was compared with the derivative it started from.",
        "每个局部导数都与差商比较，每次消去都与前一形式比较：共 {n} 个值，全部相等。每次化简都与化简前的导数比较。",
    ),
    "ran matrix": (
        "Run on the example, and equal: the matrix forms of {names}.",
        "{names} 的矩阵形式已在例子上运行，结果相等。",
    ),
    "ran contraction": (
        "Run on the example, and equal: the contractions of {names}.",
        "{names} 的缩并已在例子上运行，结果相等。",
    ),
    "ran code": (
        "Run on the example, and equal: the NumPy lines of {names}.",
        "{names} 的 NumPy 代码已在例子上运行，结果相等。",
    ),
}


def phrase(key: str, language: str, **names: object) -> str:
    """The phrase in a language, its names filled in."""
    return PHRASES[key][LANGUAGES.index(language)].format(**names)
