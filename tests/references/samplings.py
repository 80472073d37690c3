"""Computes the golden values of the samplings in src/space/draw_tests.rs from docs/space.md alone, with independent code.

    pip install blake3 && python3 samplings.py
"""

from blake3 import blake3
from math import factorial, isqrt, prod
M=(1<<64)-1
def philox(c,k):
    c=list(c);k=list(k)
    for r in range(10):
        if r: k=[(k[0]+0x9E3779B9)&0xffffffff,(k[1]+0xBB67AE85)&0xffffffff]
        p0=0xD2511F53*c[0];p1=0xCD9E8D57*c[2]
        c=[(p1>>32)^c[1]^k[0],p1&0xffffffff,(p0>>32)^c[3]^k[1],p0&0xffffffff]
    return c
def block(key,a,b):
    x=philox([a&0xffffffff,a>>32,b&0xffffffff,b>>32],[key&0xffffffff,key>>32])
    return x[0]|x[1]<<32,x[2]|x[3]<<32
u64=lambda n:n.to_bytes(8,'little')
def key(tag,name,r): return int.from_bytes(blake3(tag+u64(42)+u64(len(name))+name+b"0123456789abcdef"+(u64(r) if r else b"")).digest()[:8],'little')
def perm(key,j,n,x):
    if n<=12:
        f=factorial(n);num=block(key,256*j,0)[0]*f>>64;left=list(range(n))
        for p in range(n):
            f//=n-p;t=left.pop(num//f);num%=f
            if p==x:return t
    a=isqrt(n-1)+1;b=-(-n//a)
    while 1:
        h,l=divmod(x,a)
        for i in range(12):
            if i%2==0:l=(l+(block(key,256*j+i,h)[0]*a>>64))%a
            else:h=(h+(block(key,256*j+i,l)[0]*b>>64))%b
        x=h*a+l
        if x<n:return x
def lhs(key,D,k):
    s=perm(key,0,D,k);lo=-(-(s<<64)//D);hi=-(-((s+1)<<64)//D)
    return lo+(block(key,M,k)[0]*(hi-lo)>>64)
def halton(key,b,k):
    m=0
    while b**m<1<<64:m+=1
    num=0
    for j in range(m):
        num=num*b+perm(key,j,b,k//b**j%b)
    return (num<<64)//b**m
lines=[list(map(int,l.split())) for l in open('../../src/space/sequence/joe-kuo-6.txt') if l[0]!='#']
rev=lambda x:int(f"{x:064b}"[::-1],2)
def sobol(key,d,k):
    if d==0:v=[1<<(63-i) for i in range(64)]
    else:
        _,s,a,*m=lines[d-1];v=[m[i]<<(63-i) for i in range(s)]
        for i in range(s,64):
            x=v[i-s]^(v[i-s]>>s)
            for j in range(1,s):
                if a>>(s-1-j)&1:x^=v[i-j]
            v.append(x)
    g=k^(k>>1);x=0
    for i in range(64):
        if g>>i&1:x^=v[i]
    x=rev(x)
    for i in range(4):
        p,q=block(key,i,0);x=(x+p)&M;x^=(x*(q&~1))&M
    return rev(x)
unit=lambda w:((w>>12)+.5)/2**52
for name,tag,f in [("LHS",b"sweep1l\0",lambda k,d,i:lhs(k,20,i)),("Sobol",b"sweep1o\0",sobol),("Halton",b"sweep1h\0",lambda k,d,i:halton(k,[2,3,5][d],i))]:
    print(*[unit(f(key(tag,n,r),d,i)) for i,r in [(0,0),(1,0),(19,0),(0,1)] for d,n in enumerate([b"a",b"b",b"c"])])
