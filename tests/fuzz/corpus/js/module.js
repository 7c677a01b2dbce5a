'use strict';
const { a, b: c, d = e } = require('x');
import * as fs from 'fs';
class A extends B { constructor() { super(); } get f() { return `${c}/${`q`}`; } async #g() {} [h]() {} }
module.exports = { a, i: j.k, l() { fs.open(m[n], (x) => x); }, ...o };
A.prototype.p = async function* q({ r: [s] }, ...t) { yield /[/]'\/x/g.test(u) ? v : w; };
process.y = wrap(z);
