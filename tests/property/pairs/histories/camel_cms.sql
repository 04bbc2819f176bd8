-- A content management system with quoted names, in the manner of Prisma and TypeORM.
--- 20230101 init
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');
CREATE TABLE "User" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL, "name" TEXT, "role" "Role" NOT NULL DEFAULT 'USER',
    CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Post" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "content" TEXT, "published" BOOLEAN NOT NULL DEFAULT false,
    "authorId" INTEGER NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "Post_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
--- 20230201 categories
CREATE TABLE "Category" ("id" SERIAL NOT NULL, "name" TEXT NOT NULL, CONSTRAINT "Category_pkey" PRIMARY KEY ("id"));
CREATE TABLE "_CategoryToPost" ("A" INTEGER NOT NULL, "B" INTEGER NOT NULL);
CREATE UNIQUE INDEX "_CategoryToPost_AB_unique" ON "_CategoryToPost"("A", "B");
CREATE INDEX "_CategoryToPost_B_index" ON "_CategoryToPost"("B");
ALTER TABLE "_CategoryToPost" ADD CONSTRAINT "_CategoryToPost_A_fkey"
    FOREIGN KEY ("A") REFERENCES "Category"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "_CategoryToPost" ADD CONSTRAINT "_CategoryToPost_B_fkey" FOREIGN KEY ("B") REFERENCES "Post"("id") ON DELETE CASCADE ON UPDATE CASCADE;
--- 20230301 status
CREATE TYPE "PostStatus" AS ENUM ('DRAFT', 'PUBLISHED');
ALTER TABLE "Post" DROP COLUMN "published", ADD COLUMN "status" "PostStatus" NOT NULL DEFAULT 'DRAFT', ADD COLUMN "updatedAt" TIMESTAMP(3);
--- 20230401 the enum is replaced
CREATE TYPE "Role_new" AS ENUM ('READER', 'EDITOR', 'ADMIN');
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING (replace("role"::text, 'USER', 'READER')::"Role_new");
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'READER';
--- 20230501 uuid keys
ALTER TABLE "Post" DROP CONSTRAINT "Post_authorId_fkey", DROP COLUMN "authorId", ADD COLUMN "authorId" UUID NOT NULL;
ALTER TABLE "User" DROP CONSTRAINT "User_pkey", DROP COLUMN "id", ADD COLUMN "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    ADD CONSTRAINT "User_pkey" PRIMARY KEY ("id");
ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;
--- 20230601 pages in a tree
CREATE TABLE "Page" ("id" UUID NOT NULL DEFAULT gen_random_uuid(), "parentId" UUID, "path" TEXT NOT NULL, "blocks" JSONB[] DEFAULT ARRAY[]::JSONB[],
    "order" INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "Page_pkey" PRIMARY KEY ("id"), CONSTRAINT "UQ_page_path" UNIQUE ("path"));
ALTER TABLE "Page" ADD CONSTRAINT "Page_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "Page"("id") ON DELETE SET NULL ON UPDATE CASCADE;
CREATE INDEX "IDX_page_parent" ON "Page"("parentId", "order");
--- 20230701 explicit names of constraints
ALTER TABLE "Post" RENAME CONSTRAINT "Post_pkey" TO "PK_Post";
ALTER TABLE "User" RENAME CONSTRAINT "User_pkey" TO "PK_User";
ALTER INDEX "User_email_key" RENAME TO "IDX_user_email";
--- 20230801 soft delete and a view
ALTER TABLE "Post" ADD COLUMN "deletedAt" TIMESTAMP(3);
ALTER TABLE "Page" ADD COLUMN "deletedAt" TIMESTAMP(3);
CREATE VIEW "LivePost" AS SELECT p."id", p."title", p."status",
    u."name" AS "author" FROM "Post" p JOIN "User" u ON u."id" = p."authorId" WHERE p."deletedAt" IS NULL;
CREATE INDEX "Post_live" ON "Post"("createdAt" DESC) WHERE "deletedAt" IS NULL;
--- 20230901 longer timestamps
DROP VIEW "LivePost";
ALTER TABLE "Post" ALTER COLUMN "createdAt" SET DATA TYPE TIMESTAMPTZ(6), ALTER COLUMN "deletedAt" SET DATA TYPE TIMESTAMPTZ(6),
    ALTER COLUMN "updatedAt" SET DATA TYPE TIMESTAMPTZ(6);
CREATE VIEW "LivePost" AS SELECT p."id", p."title", p."status", u."name" AS "author",
    p."createdAt" FROM "Post" p JOIN "User" u ON u."id" = p."authorId" WHERE p."deletedAt" IS NULL;
--- 20231001 revisions
CREATE TABLE "Revision" ("postId" INTEGER NOT NULL, "number" INTEGER NOT NULL, "content" TEXT, "byId" UUID,
    CONSTRAINT "PK_Revision" PRIMARY KEY ("postId", "number"));
ALTER TABLE "Revision" ADD CONSTRAINT "FK_revision_post" FOREIGN KEY ("postId") REFERENCES "Post"("id") ON DELETE CASCADE;
ALTER TABLE "Revision" ADD CONSTRAINT "FK_revision_by" FOREIGN KEY ("byId") REFERENCES "User"("id") ON DELETE SET NULL;
ALTER TABLE "Post" ADD COLUMN "revision" INTEGER;
ALTER TABLE "Post" ADD CONSTRAINT "FK_post_revision" FOREIGN KEY ("id", "revision") REFERENCES "Revision"("postId", "number") DEFERRABLE;
COMMENT ON COLUMN "Post"."revision" IS 'the one that is shown';
